"""Which comparisons a page needs, in domain words."""

from datetime import datetime
from typing import Any, Self

from django.db import models

from tools.status import is_published


class ComparisonQuerySet(models.QuerySet[Any]):
    """Comparisons that an editor made."""

    def published(self, at: datetime | None = None) -> Self:
        """Return the comparisons that readers may see: both tools are public, and they are too."""
        return self.filter(
            is_published(at), is_published(at, "left__"), is_published(at, "right__")
        )

    def newest(self) -> Self:
        """Order by publication, the latest first."""
        return self.order_by("-published_at", "-id")

    def for_cards(self) -> Self:
        """Fetch what a card shows: both tools with their panels."""
        return self.select_related("left__panel", "right__panel")
