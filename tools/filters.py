"""The filters of the tools list, read from the query string, and what each would leave."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.db import models
from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.http import QueryDict

from .models import Category, Plan, Tool, Vendor
from .pricing import Entry, PlanKind
from .querysets import ToolQuerySet
from .slugs import SHAPE
from .status import is_published

NamedT = TypeVar("NamedT", Category, Vendor)


class Sort(models.TextChoices):
    """In which order the tools are listed; the first is the default."""

    NEWEST = "newest", "Newest first"
    PANEL = "panel", "Best panel first"
    CONTESTED = "contested", "Most contested first"
    READERS = "readers", "Readers’ favourites first"
    DISPUTED = "disputed", "Readers most divided first"
    AGREED = "agreed", "Readers most agreed first"
    NAME = "name", "By name"


#: The panel's outcomes by the names that they have in the query string.
VERDICTS = {"ship": "Ship", "skip": "Skip", "split": "Split", "pending": "Pending"}
ENTRIES = {"free": Entry.FREE, "paid": Entry.PAID, "unknown": Entry.UNKNOWN}
#: So many vendors are offered at most, those with the most tools first.
VENDORS = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader asked to see. A value that does not exist counts as not asked."""

    category: Category | None = None
    entry: str = ""
    verdict: str = ""
    vendor: Vendor | None = None
    sort: str = Sort.NEWEST

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        """Read the filters from a query string."""

        def known(name: str, values: object) -> str:
            value = query.get(name, "")
            return value if value in values else ""  # type: ignore[operator]

        return cls(
            category=_named(Category, query.get("category", "")),
            entry=known("entry", ENTRIES),
            verdict=known("verdict", VERDICTS),
            vendor=_named(Vendor, query.get("vendor", "")),
            sort=known("sort", Sort.values) or Sort.NEWEST,
        )

    def passing(self) -> ToolQuerySet:
        """Return the published tools that pass, in no order."""
        tools = Tool.objects.published()
        if self.category:
            tools = tools.filter(category=self.category)
        if self.entry:
            tools = tools.with_entry(ENTRIES[self.entry])
        if self.verdict:
            tools = tools.with_verdict(self.verdict)
        if self.vendor:
            tools = tools.filter(vendor=self.vendor)
        return tools

    def apply(self) -> ToolQuerySet:
        """Return the tools that pass, in the order asked for."""
        tools = self.passing()
        orders: dict[str, Callable[[], ToolQuerySet]] = {
            Sort.NEWEST: tools.newest,
            Sort.PANEL: tools.ranked,
            Sort.CONTESTED: tools.contested,
            Sort.READERS: tools.favoured,
            Sort.DISPUTED: tools.disputed,
            Sort.AGREED: tools.agreed,
            Sort.NAME: tools.by_name,
        }
        return orders[self.sort]()

    @property
    def active(self) -> bool:
        """Whether anything is left out."""
        return bool(self.category or self.entry or self.verdict or self.vendor)

    def facets(self) -> "Facets":
        """Count, in one query, the tools that each choice leaves beside the other filters."""
        # The rule of `Entry.of` once more. IN and not EXISTS, because one hash serves all tools;
        # Postgres takes EXISTS here for a search a tool, and compiles the query at great length.
        entry = Case(
            When(pk__in=Plan.objects.filter(kind=PlanKind.FREE).values("tool"), then=Value("free")),
            When(pk__in=Plan.objects.values("tool"), then=Value("paid")),
            default=Value("unknown"),
        )
        verdict = Coalesce("panel__outcome", Value("pending"), output_field=CharField())
        vendors = replace(self, vendor=None)._counted(
            "vendor", F("vendor__slug"), F("vendor__name")
        )
        counts = (
            replace(self, category=None)
            ._counted("category", F("category__slug"), F("category__name"))
            .union(
                replace(self, entry="")._counted("entry", entry),
                replace(self, verdict="")._counted("verdict", verdict),
                # Nobody scrolls through thousands: those with the most tools.
                vendors.order_by("-count", "label")[:VENDORS],
                all=True,
            )
        )
        return Facets(self, [Option(*row) for row in counts])

    def _counted(self, facet: str, value: Any, label: Any = None) -> QuerySet[Any, Any]:
        """Return the rows of `Option`s for what passes, by `value`."""
        return (
            self.passing()
            .order_by()
            .annotate(facet=Value(facet), value=value, label=label or Value(""))
            .values_list("facet", "value", "label")
            .annotate(count=Count("*"))
        )


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a filter, and how many tools it leaves."""

    facet: str
    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The choices of every filter with their counts; what leaves nothing counts zero."""

    filters: Filters
    options: Sequence[Option]

    @property
    def total(self) -> int:
        """How many tools pass all filters: each is in one category."""
        found = self._of("category")
        if chosen := self.filters.category:
            return found[chosen.slug].count if chosen.slug in found else 0
        return sum(option.count for option in found.values())

    @property
    def categories(self) -> list[Option]:
        """The categories that leave anything, and the chosen one, by name."""
        return sorted(self._with_chosen("category"), key=lambda option: option.label.casefold())

    @property
    def vendors(self) -> list[Option]:
        """The vendors that leave the most, and the chosen one, by name."""
        return sorted(self._with_chosen("vendor"), key=lambda option: option.label.casefold())

    @property
    def entries(self) -> list[Option]:
        """Each entry."""
        return self._fixed("entry", {value: entry.label for value, entry in ENTRIES.items()})

    @property
    def verdicts(self) -> list[Option]:
        """Each verdict of a panel."""
        return self._fixed("verdict", VERDICTS)

    def _of(self, facet: str) -> dict[str, Option]:
        return {option.value: option for option in self.options if option.facet == facet}

    def _with_chosen(self, facet: str) -> list[Option]:
        found = self._of(facet)
        chosen = getattr(self.filters, facet)
        if chosen and chosen.slug not in found:
            found[chosen.slug] = Option(facet, chosen.slug, chosen.name, self.total)
        return list(found.values())

    def _fixed(self, facet: str, labels: dict[str, str]) -> list[Option]:
        found = self._of(facet)
        return [
            Option(facet, value, label, found[value].count if value in found else 0)
            for value, label in labels.items()
        ]


def _named(model: type[NamedT], slug: str) -> NamedT | None:
    """Return the category or vendor of this slug, if it has any published tool."""
    if not re.match(SHAPE, slug):
        return None
    found = model._default_manager.filter(is_published(prefix="tools__"), slug=slug)
    return found.first()
