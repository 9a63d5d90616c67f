"""What four reviews add up to: verdict, panel, strip and scorecard. No database is needed."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from django.db import models

from .personas import Persona

#: The widest gap that there can be between two scores.
MAX_GAP = 100


class Verdict(models.TextChoices):
    """What one persona says of one tool."""

    SHIP = "ship", "Ship"
    SKIP = "skip", "Skip"


class Outcome(models.TextChoices):
    """What a panel says."""

    SHIP = "ship", "Ship"
    SKIP = "skip", "Skip"
    SPLIT = "split", "Split"
    PENDING = "pending", "Pending"


class Evidence(models.TextChoices):
    """What a review rests on."""

    TESTED = "tested", "Tested"
    RESEARCHED = "researched", "Researched"
    VENDOR = "vendor", "Vendor’s claims"


@dataclass(frozen=True)
class PanelStrip:
    """The four verdicts of a tool in the personas' order; None where no review stands yet."""

    verdicts: tuple[Verdict | None, ...]

    @classmethod
    def parse(cls, cells: str) -> "PanelStrip":
        """Read the four letters that `cells` writes."""
        letters = {"s": Verdict.SHIP, "x": Verdict.SKIP}
        return cls(tuple(letters.get(letter) for letter in cells.ljust(len(Persona), "-")))

    @cached_property
    def cells(self) -> str:
        """One letter a persona: s for ship, x for skip, - for no review yet."""
        letters = {Verdict.SHIP: "s", Verdict.SKIP: "x", None: "-"}
        return "".join(letters[verdict] for verdict in self.verdicts)

    def _cells(self) -> Iterable[tuple[Persona, Verdict | None]]:
        return zip(Persona, self.verdicts, strict=True)

    @cached_property
    def ships(self) -> int:
        """How many personas ship it."""
        return self.verdicts.count(Verdict.SHIP)

    @cached_property
    def skips(self) -> int:
        """How many personas skip it."""
        return self.verdicts.count(Verdict.SKIP)

    @cached_property
    def count(self) -> int:
        """How many reviews stand."""
        return self.ships + self.skips

    @cached_property
    def missing(self) -> list[Persona]:
        """The personas whose review is still to come."""
        return [persona for persona, verdict in self._cells() if verdict is None]

    @cached_property
    def share(self) -> int | None:
        """Ships among the reviews that stand, in percent; None without a review."""
        return round(100 * self.ships / self.count) if self.count else None

    @cached_property
    def outcome(self) -> Outcome:
        """Ship above half, Skip below, Split at exactly half, Pending while a review is missing."""
        if self.missing:
            return Outcome.PENDING
        if self.ships == self.skips:
            return Outcome.SPLIT
        return Outcome.SHIP if self.ships > self.skips else Outcome.SKIP

    @cached_property
    def minority(self) -> list[Persona]:
        """The personas who are outvoted, all four where the panel is split, none if all agree."""
        if not (self.ships and self.skips):
            return []
        fewer = min(self.ships, self.skips)
        return [
            persona
            for persona, verdict in self._cells()
            if verdict is not None and self.verdicts.count(verdict) == fewer
        ]

    @cached_property
    def description(self) -> str:
        """The strip in words: “Panel: 3 ship, 1 skip, the Founder skips”."""
        if not self.count:
            return "Panel: no review yet"
        parts = [f"{self.ships} ship", f"{self.skips} skip"]
        if self.minority and self.ships != self.skips:
            verb = "ship" if self.ships < self.skips else "skip"
            parts += [f"the {persona.label} {verb}s" for persona in self.minority]
        if self.missing:
            parts.append(f"{len(self.missing)} to come")
        return "Panel: " + ", ".join(parts)


class Opinion(Protocol):
    """Anything that reads like a review: a row, or what a test makes up."""

    @property
    def persona(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def score(self) -> int | None: ...


OpinionT = TypeVar("OpinionT", bound=Opinion)


@dataclass(frozen=True, slots=True)
class Line(Generic[OpinionT]):
    """One persona's line of a scorecard: the review that stands, None if there is none yet."""

    persona: Persona
    review: OpinionT | None


@dataclass(frozen=True, slots=True)
class Scorecard(Generic[OpinionT]):
    """The panel laid out, persona by persona: always four lines, in the personas' order."""

    lines: tuple[Line[OpinionT], ...]

    @classmethod
    def of(cls, reviews: Iterable[OpinionT]) -> "Scorecard[OpinionT]":
        """Lay out the current reviews of one tool, in whatever order they come."""
        by_persona = {review.persona: review for review in reviews}
        return cls(tuple(Line(persona, by_persona.get(persona)) for persona in Persona))

    @property
    def strip(self) -> PanelStrip:
        """The verdicts alone."""
        return PanelStrip(
            tuple(Verdict(line.review.verdict) if line.review else None for line in self.lines)
        )

    @property
    def scores(self) -> list[int]:
        """The scores that were given. An unknown score is not zero, it is left out."""
        return [
            line.review.score
            for line in self.lines
            if line.review is not None and line.review.score is not None
        ]

    @property
    def mean_score(self) -> float | None:
        """The mean of the scores when all four personas gave one, else None.

        A mean of fewer would compare tools by different personas.
        """
        return sum(self.scores) / len(Persona) if len(self.scores) == len(Persona) else None

    @property
    def gap(self) -> int | None:
        """The distance between the highest and the lowest score given; None with fewer than two."""
        return max(self.scores) - min(self.scores) if len(self.scores) > 1 else None

    @property
    def contest(self) -> int:
        """How much the personas disagree, as one number to sort by.

        The size of the outvoted side counts first, then the gap between the scores (0 to 100).
        """
        return (MAX_GAP + 1) * min(self.strip.ships, self.strip.skips) + (self.gap or 0)
