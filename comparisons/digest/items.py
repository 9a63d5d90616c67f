"""The pieces that an edition is made of. They need no database, and go to JSON and back."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from reviews.personas import Persona
from reviews.scorecards import PanelStrip
from reviews.tallies import Count


def _read(value: Any) -> Any:
    """Return a value from JSON as dataclasses hold it: lists become tuples."""
    return tuple(_read(one) for one in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of news. Its key is its name for ever, so that nothing is told twice.

    Names and sentences are kept as they are shown: on one line, cut to a sensible length.
    Addresses are paths.
    """

    key: str
    #: The categories of the tools that it is about, by primary key.
    categories: tuple[int, ...]
    address: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the item that `dataclasses.asdict` wrote."""
        return cls(**{name: _read(value) for name, value in data.items()})

    def concerns(self, topics: Set[int]) -> bool:
        """Whether it is about a tool of one of these categories."""
        return not topics.isdisjoint(self.categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Item):
    """News of one tool, with its panel as it stands."""

    name: str
    cells: str

    @property
    def strip(self) -> PanelStrip:
        """The panel’s four verdicts."""
        return PanelStrip.parse(self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdict(Named):
    """A tool that has a verdict and had none before."""

    category: str
    tagline: str
    #: The mean of all four scores, None where one was not given.
    score: float | None
    #: What it takes to start, in a word; empty where that is unknown.
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Named):
    """A persona who turned round."""

    persona: str
    before: str
    after: str
    reason: str
    #: The day, as in ISO 8601.
    on: str

    @property
    def who(self) -> str:
        """The persona’s name."""
        return Persona(self.persona).label


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange(Named):
    """A plan that costs something else."""

    plan: str
    before: str
    after: str
    #: By how much, as in “+25%”; empty where that says nothing.
    change: str
    #: The day from which the new price holds, as in ISO 8601.
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComparison(Item):
    """Two tools that an editor has put side by side."""

    names: tuple[str, str]
    cells: tuple[str, str]
    #: The computed sentence in pieces, of which every second one is a tool’s name or tagline.
    verdict: tuple[str, ...]
    reason: tuple[str, ...]

    @property
    def sides(self) -> list[tuple[str, PanelStrip]]:
        """Both names with their panels."""
        return [
            (name, PanelStrip.parse(cells))
            for name, cells in zip(self.names, self.cells, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Argument:
    """What one persona says, in a sentence or two."""

    persona: str
    verdict: str
    score: int | None
    text: str

    @property
    def who(self) -> str:
        """The persona’s name."""
        return Persona(self.persona).label


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested(Named):
    """The tool about which the four disagree most, with one argument of each side."""

    category: str
    arguments: tuple[Argument, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        arguments = tuple(Argument(**argument) for argument in data["arguments"])
        return super(Contested, cls).from_json({**data, "arguments": arguments})


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement(Named):
    """A tool that readers judge otherwise than its panel."""

    ships: int
    skips: int

    @property
    def count(self) -> Count:
        """The readers’ votes."""
        return Count(self.ships, self.skips)


ItemT = TypeVar("ItemT", bound=Item)


@dataclass(frozen=True, slots=True)
class Section(Generic[ItemT]):
    """News of one kind, in the order in which it is told.

    Of what there is too much of, the first items of each category are kept, and of the others how
    many there are: whatever topics a subscriber chose, the first items are there.
    """

    items: tuple[ItemT, ...] = ()
    #: (categories, how many items of just these were left out).
    rest: tuple[tuple[tuple[int, ...], int], ...] = ()

    @classmethod
    def from_json(cls, kind: type[ItemT], data: Mapping[str, Any]) -> "Section[ItemT]":
        """Return the section, of items of this kind, that `dataclasses.asdict` wrote."""
        return cls(tuple(kind.from_json(item) for item in data["items"]), _read(data["rest"]))

    def __bool__(self) -> bool:
        return bool(self.items)

    @property
    def total(self) -> int:
        """How many items there are, with those that were left out."""
        return len(self.items) + sum(count for _, count in self.rest)

    @property
    def every_categories(self) -> list[tuple[int, ...]]:
        """The categories of every item, with those that were left out."""
        return [item.categories for item in self.items] + [
            categories for categories, _ in self.rest
        ]

    def first(self, most: int) -> "Section[ItemT]":
        """Return the section cut to its first items."""
        cut = tuple((item.categories, 1) for item in self.items[most:])
        return Section(self.items[:most], self.rest + cut)

    @property
    def more(self) -> int:
        """How many items were left out."""
        return self.total - len(self.items)

    def about(self, topics: Set[int]) -> "Section[ItemT]":
        """Return what concerns these categories."""
        return Section(
            tuple(item for item in self.items if item.concerns(topics)),
            tuple(
                (categories, count)
                for categories, count in self.rest
                if not topics.isdisjoint(categories)
            ),
        )


NOTHING: Section[Any] = Section()


@dataclass(frozen=True, slots=True)
class Found:
    """Something that may become an item, before what it shows is fetched."""

    key: str
    categories: tuple[int, ...]
    row: Any


def kept(
    found: Sequence[Found], most: int, at_all: int
) -> tuple[list[Found], tuple[tuple[tuple[int, ...], int], ...]]:
    """Return the first `most` of each category, `at_all` together, and the rest counted."""
    seen: dict[int, int] = {}
    keep: list[Found] = []
    rest: dict[tuple[int, ...], int] = {}
    for one in found:
        for category in one.categories:
            seen[category] = seen.get(category, 0) + 1
        if min(seen[category] for category in one.categories) <= most and len(keep) < at_all:
            keep.append(one)
        else:
            rest[one.categories] = rest.get(one.categories, 0) + 1
    return keep, tuple(rest.items())


def keys_of(items: Iterable[Found | Item]) -> set[str]:
    """Return their keys."""
    return {item.key for item in items}
