"""What an edition tells, in the lines of a list on the desk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comparisons.digest.content import Content


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news: what it is about, what is told of it, and the page it leads to."""

    name: str
    note: str
    address: str


@dataclass(frozen=True, slots=True)
class Group:
    """News of one kind."""

    title: str
    total: int
    lines: list[Told]

    @property
    def more(self) -> int:
        """How many are only counted."""
        return self.total - len(self.lines)


_NOTES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "verdicts": ("New verdicts", lambda item: str(item.strip.outcome.label)),
    "reversals": (
        "Verdicts that flipped",
        lambda item: f"{item.who}: {item.before} → {item.after}",
    ),
    "prices": ("Price changes", lambda item: f"{item.plan}: {item.before} → {item.after}"),
    "comparisons": ("New comparisons", lambda item: ""),
    "contested": ("Most contested", lambda item: str(item.category)),
    "disagreements": ("Readers disagree", lambda item: item.count.text),
}


def groups_of(content: Content) -> list[Group]:
    """Return what an edition tells, kind by kind; kinds with nothing are left out."""
    groups = []
    for name, section in content.sections:
        title, note = _NOTES[name]
        lines = [
            Told(getattr(item, "name", "") or " vs ".join(item.names), note(item), item.address)
            for item in section.items
        ]
        if lines:
            groups.append(Group(title, section.total, lines))
    return groups
