"""What the digest's lists have in common: they are long, searched by address, and only read."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from comparisons.digest.models import Subscriber
from reviews.vote_admin import ReadOnlyAdmin
from tools.lists import FoundByName

#: A list is counted up to here and leafed through up to here: counting a million rows takes longer
#: than the page, and nobody leafs that far. The search finds what lies behind.
MOST = 5000


class CappedPaginator(Paginator):
    """A paginator that stops counting at MOST."""

    @cached_property
    def count(self) -> int:
        return min(self._found, MOST)

    @property
    def is_capped(self) -> bool:
        """Whether there is more than it counts."""
        return self._found > MOST

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST + 1].count())


class LongList(FoundByName, ReadOnlyAdmin):
    """Rows to read, however many there are."""

    paginator = CappedPaginator


def beginning(typed: str) -> QuerySet[Subscriber]:
    """Return the subscribers whose address is what was typed, or begins with it.

    Both are found through the index that Django makes for beginnings of unique texts.
    """
    typed = typed.strip().lower()
    if "\0" in typed:
        return Subscriber.objects.none()
    return Subscriber.objects.filter(email__startswith=typed)


class FoundByAddress(LongList):
    """A list that is searched by the beginning of an address."""

    search_help_text = "By an address, or by its beginning."
    #: Which column holds the subscriber's key.
    subscriber_field = "pk"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if search_term.strip():
            found = beginning(search_term).values("pk")
            queryset = queryset.filter(**{f"{self.subscriber_field}__in": found})
        return queryset, False
