"""Lists in pages, with the state in the query string."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, QueryDict

PER_PAGE = 24


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, and the addresses of its neighbours."""

    page: Page[Any]
    query: QueryDict

    @property
    def items(self) -> Any:
        """The rows of this page."""
        return self.page.object_list

    @property
    def total(self) -> int:
        """How many rows all pages have together."""
        return self.page.paginator.count

    @property
    def previous(self) -> str | None:
        """The query string of the page before, None on the first."""
        return self._at(self.page.number - 1) if self.page.has_previous() else None

    @property
    def next(self) -> str | None:
        """The query string of the page after, None on the last."""
        return self._at(self.page.number + 1) if self.page.has_next() else None

    def _at(self, number: int) -> str:
        query = self.query.copy()
        query["page"] = str(number)
        return f"?{query.urlencode()}"


def paginate(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], total: int | None = None
) -> Listing:
    """Return the page of `rows` that the query string asks for; counts them unless told the total.

    A page number that is no number, zero or negative means the first page; one past the end raises
    Http404, because that page may have existed.
    """
    paginator = Paginator(rows, PER_PAGE)
    if total is not None:
        paginator.count = total
    wanted = request.GET.get("page", "1")
    try:
        number = max(1, int(wanted)) if wanted.isascii() and len(wanted) < 10 else 1
    except ValueError:
        number = 1
    try:
        return Listing(paginator.page(number), request.GET)
    except EmptyPage as error:
        raise Http404(str(error)) from error
