"""What the digest's lists have in common: they are long, searched by address, and only read."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
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
        # In their order, because that is in which an index hands them out: without it Postgres
        # looks through the table for the first ones.
        rows: Any = self.object_list
        return int(rows[: MOST + 1].count())


class LongList(FoundByName, ReadOnlyAdmin):
    """Rows to read, however many there are."""

    paginator = CappedPaginator

    class Media:
        css = {"all": ["css/desk-digest.css"]}


def addressed(typed: str) -> Q:
    """Return which subscribers have the address that was typed, or else one that begins so.

    Both are found through the indexes that Django makes of unique texts.
    """
    typed = typed.strip().lower()
    if "\0" in typed:
        return Q(pk__in=[])
    if Subscriber.objects.filter(email=typed).exists():
        return Q(email=typed)
    return Q(email__startswith=typed)


class FoundByAddress(LongList):
    """A list that is searched by the beginning of an address."""

    search_help_text = "By an address, or by its beginning."
    #: Where the rows are not subscribers, which column holds the subscriber's key.
    subscriber_field = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        found = addressed(search_term)
        if not self.subscriber_field:
            return queryset.filter(found), False
        keys = Subscriber.objects.filter(found).values("pk")
        return queryset.filter(**{f"{self.subscriber_field}__in": keys}), False
