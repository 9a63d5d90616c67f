"""Which comparisons a page needs, in domain words."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.utils import timezone

from tools.status import is_published

from .indexing import is_indexable


class ComparisonQuerySet(models.QuerySet[Any]):
    """Comparisons that an editor made."""

    def published(self, at: datetime | None = None) -> Self:
        """Return the comparisons that readers may see: both tools are public, and they are too."""
        return self.filter(
            is_published(at), is_published(at, "left__"), is_published(at, "right__")
        )

    def indexable(self, at: datetime | None = None) -> Self:
        """Return the public comparisons that are worth a place in an index."""
        at = at or timezone.now()
        return self.published(at).filter(is_indexable(at))

    def newest(self) -> Self:
        """Order by publication, the latest first."""
        return self.order_by("-published_at", "-id")

    def for_cards(self) -> Self:
        """Fetch what a card shows: both tools with their panels."""
        return self.select_related("left__panel", "right__panel")

    def for_desk(self) -> Self:
        """Fetch what tells an editor what a comparison lacks: panels, plans and prices."""
        return self.for_cards().prefetch_related("left__plans__prices", "right__plans__prices")
