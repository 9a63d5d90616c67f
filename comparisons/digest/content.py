"""What an edition tells: what really changed between two moments, and nothing twice.

Everything is found in a handful of statements, whose number does not grow with the catalog. First
come keys and categories of all that changed; what is shown of it is fetched for what is kept.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from . import news
from .items import (
    NOTHING,
    Contested,
    Disagreement,
    Item,
    NewComparison,
    NewVerdict,
    PriceChange,
    Reversal,
    Section,
    keys_of,
)

#: What readers disagree about may be told again after so many editions.
FORGOTTEN_AFTER = 4


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that one edition tells, or the part of it that concerns some topics."""

    verdicts: Section[NewVerdict] = NOTHING
    reversals: Section[Reversal] = NOTHING
    prices: Section[PriceChange] = NOTHING
    comparisons: Section[NewComparison] = NOTHING
    contested: Section[Contested] = NOTHING
    disagreements: Section[Disagreement] = NOTHING
    #: What later editions will not tell again, even if it was only counted here; see `told_by`.
    keys: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def since(
        cls,
        since: datetime,
        until: datetime,
        told: Collection[str],
        seen: "Content | None" = None,
    ) -> Self:
        """Return what changed after one moment, up to another, as it stands now.

        `told` is what earlier editions have told: see `told_by`. `seen` is what an editor has
        looked at already: of the votes, which come in every minute, it keeps what was told then,
        as far as the tools are still public, so that the same changes are the same content.
        """
        gathered = news.gather(since, until, told)
        if seen is not None:
            before = gathered["disagreements"]
            gathered["disagreements"] = news.still_public(seen.disagreements, until)
            gathered["keys"] = frozenset(
                (gathered["keys"] - keys_of(before.items))
                | keys_of(gathered["disagreements"].items)
            )
        return cls(**gathered)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the content that `to_json` wrote; of an empty object, nothing to tell."""
        sections: dict[str, Any] = {
            name: Section.from_json(kind, data[name])
            for name, kind in KINDS.items()
            if name in data
        }
        return cls(**sections, keys=frozenset(data.get("keys", ())))

    def to_json(self) -> dict[str, Any]:
        """Return the content as JSON can hold it."""
        return {name: asdict(section) for name, section in self.sections} | {
            "keys": sorted(self.keys)
        }

    @property
    def sections(self) -> list[tuple[str, Section[Any]]]:
        """Every section, by its name."""
        return [(name, getattr(self, name)) for name in KINDS]

    @property
    def items(self) -> list[Item]:
        """Every item that is kept."""
        return [item for _, section in self.sections for item in section.items]

    @property
    def is_empty(self) -> bool:
        """Whether nothing really changed: what is contested or voted on is no news by itself."""
        return not any(section for name, section in self.sections if name in NEWS)

    @property
    def categories(self) -> set[int]:
        """The categories of which it has news: who follows none of them gets no mail."""
        return {
            category
            for name, section in self.sections
            if name in NEWS
            for categories in section.every_categories
            for category in categories
        }

    def for_topics(self, topics: Sequence[int]) -> "Content":
        """Return what concerns tools of these categories; all of it where none is named."""
        if not topics:
            return self
        wanted = set(topics)
        about = {name: section.about(wanted) for name, section in self.sections}
        return Content(**about, keys=self.keys)

    def first(self, most: Mapping[str, int]) -> "Content":
        """Return the content with sections cut to so many items, by the section's name."""
        cut = {name: section.first(most[name]) for name, section in self.sections}
        return Content(**cut, keys=self.keys)


KINDS: dict[str, type[Item]] = {
    "verdicts": NewVerdict,
    "reversals": Reversal,
    "prices": PriceChange,
    "comparisons": NewComparison,
    "contested": Contested,
    "disagreements": Disagreement,
}
#: The sections that make an edition.
NEWS = ("verdicts", "reversals", "prices", "comparisons")
assert [*KINDS, "keys"] == [field.name for field in fields(Content)]  # noqa: S101


def told_by(editions: Iterable[Any]) -> set[str]:
    """Return what is no news any more, given the editions that went out or will, newest first.

    They may be a queryset: only the keys are fetched, not what the editions say.
    """
    told: set[str] = set()
    if hasattr(editions, "values_list"):
        keys = editions.values_list("content__keys", flat=True)
    else:
        keys = (edition.content.get("keys") for edition in editions)
    for age, of_one in enumerate(keys):
        told.update(
            key
            for key in of_one or ()
            if age < FORGOTTEN_AFTER or not key.endswith(news.DISAGREEMENT)
        )
    return told


#: How each kind of news is counted in a subject: one, several, and which comes first.
_COUNTED = (
    ("verdicts", "new verdict", "new verdicts"),
    ("reversals", "verdict flipped", "verdicts flipped"),
    ("prices", "price change", "price changes"),
    ("comparisons", "new comparison", "new comparisons"),
)
#: A subject is cut off by most mail programs after that many characters.
SUBJECT_LENGTH = 90


def summary(content: Content) -> str:
    """Return how much there is of what, as in “3 new verdicts, 1 price change”."""
    counts = [
        f"{section.total:,} {one if section.total == 1 else several}"
        for name, one, several in _COUNTED
        if (section := getattr(content, name))
    ]
    return ", ".join(counts)


def suggest_subject(content: Content) -> str:
    """Return a subject for an edition: its first piece of news by name, and how many more.

    An editor may write a better one.
    """
    lead = _lead(content)
    others = sum(getattr(content, name).total for name, _, _ in _COUNTED) - 1
    if not lead:
        return "Nothing changed this week"
    more = f", and {others:,} more {'change' if others == 1 else 'changes'}" if others else ""
    return lead + more if len(lead + more) <= SUBJECT_LENGTH else _capital(summary(content))


def _lead(content: Content) -> str:
    for verdict in content.verdicts.items[:1]:
        return f"{verdict.name}: {verdict.strip.outcome.label}"
    for reversal in content.reversals.items[:1]:
        return f"{reversal.name}: the {reversal.who} now says {reversal.after}"
    for price in content.prices.items[:1]:
        return f"{price.name}, {price.plan}: {price.before} → {price.after}"
    for comparison in content.comparisons.items[:1]:
        return " vs ".join(comparison.names)
    return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
