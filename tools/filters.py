"""The filters of the tools list, read from the query string."""

from dataclasses import dataclass

from django.db import models
from django.http import QueryDict

from .models import Category
from .pricing import Entry
from .querysets import ToolQuerySet


class Sort(models.TextChoices):
    """In which order the tools are listed; the first is the default."""

    NEWEST = "newest", "Newest first"
    PANEL = "panel", "Best panel first"
    NAME = "name", "By name"


#: The panel's outcomes by the names that they have in the query string.
VERDICTS = {"ship": "Ship", "skip": "Skip", "split": "Split", "pending": "Pending"}
ENTRIES = {"free": Entry.FREE, "paid": Entry.PAID, "unknown": Entry.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader asked to see. A value that does not exist counts as not asked."""

    category: str = ""
    entry: str = ""
    verdict: str = ""
    sort: str = Sort.NEWEST

    @classmethod
    def read(cls, query: QueryDict, categories: list[Category]) -> "Filters":
        """Read the filters from a query string."""

        def known(name: str, values: object) -> str:
            value = query.get(name, "")
            return value if value in values else ""  # type: ignore[operator]

        return cls(
            category=known("category", {category.slug for category in categories}),
            entry=known("entry", ENTRIES),
            verdict=known("verdict", VERDICTS),
            sort=known("sort", Sort.values) or Sort.NEWEST,
        )

    def apply(self, tools: ToolQuerySet) -> ToolQuerySet:
        """Return the tools that pass, in the order asked for."""
        if self.category:
            tools = tools.filter(category__slug=self.category)
        if self.entry:
            tools = tools.with_entry(ENTRIES[self.entry])
        if self.verdict:
            tools = tools.with_verdict(self.verdict)
        orders = {Sort.NEWEST: tools.newest, Sort.PANEL: tools.ranked, Sort.NAME: tools.by_name}
        return orders[Sort(self.sort)]()

    @property
    def active(self) -> bool:
        """Whether anything is left out."""
        return bool(self.category or self.entry or self.verdict)
