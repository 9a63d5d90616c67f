"""Which comparisons a page needs, in domain words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.utils import timezone

from tools.status import Status, is_published

from .indexing import is_indexable
from .lineups import lineup_address


class ComparisonQuerySet(models.QuerySet[Any]):
    """Comparisons that an editor made."""

    def published(self, at: datetime | None = None) -> Self:
        """Return the comparisons that readers may see: both tools are public, and they are too."""
        return self.filter(
            is_published(at), is_published(at, "left__"), is_published(at, "right__")
        )

    def foreseen(self) -> Self:
        """Return the comparisons that a preview may show: everything but what was withdrawn."""
        return self.exclude(status=Status.WITHDRAWN)

    def address_of(self, slugs: Sequence[str]) -> str:
        """Return the canonical address of a line-up of public tools, named in any order."""
        pair = self.published().filter(left__slug__in=slugs, right__slug__in=slugs)
        written = pair.values_list("left__slug", "right__slug").first() if len(slugs) == 2 else None
        return lineup_address(*(written or sorted(slugs)))

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
