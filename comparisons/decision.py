"""The rows of the decision table: one question each, one cell a tool."""

from dataclasses import dataclass

from tools.pricing import FREE, NOT_KNOWN

from .lineups import Lineup, Side

# What a plan's price may say that its label does not leave open.
SAID = {FREE, NOT_KNOWN}


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer, with what it rests on and a remark in small print."""

    text: str
    details: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One question with the answer of every tool."""

    question: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Whether any two answers differ; remarks do not count."""
        return len({(cell.text, cell.details) for cell in self.cells}) > 1


def decision_table(lineup: Lineup) -> list[Row]:
    """Return the rows of the table for a line-up of tools."""
    questions = {
        "Panel verdict": _verdict,
        "Community": _community,
        "Pricing": _pricing,
        "Best for": lambda side: Cell(side.tagline or "Not recorded yet"),
        "Category": lambda side: Cell(side.category),
        "Vendor": lambda side: Cell(side.vendor),
    }
    return [
        Row(question, tuple(answer(side) for side in lineup.sides))
        for question, answer in questions.items()
    ]


def _verdict(side: Side) -> Cell:
    strip = side.strip
    note = f"{len(strip.missing)} of 4 reviews to come" if strip.missing else ""
    return Cell(f"{strip.outcome.label} · {strip.ships} ship / {strip.skips} skip", note=note)


def _community(side: Side) -> Cell:
    return Cell(side.count.text)


def _pricing(side: Side) -> Cell:
    plans = side.pricing.plans
    if not plans:
        return Cell("No plan recorded yet")
    unknown = sum(plan.price_text == NOT_KNOWN for plan in plans)
    amounts = (f"{plan.label}: {plan.price_text}" for plan in plans if plan.price_text not in SAID)
    notes = []
    if checked := side.pricing.checked_on:
        notes.append(f"checked {checked.day} {checked:%b %Y}")
    if unknown:
        notes.append(f"{unknown} amount{'' if unknown == 1 else 's'} not known")
    return Cell(side.pricing.summary, tuple(amounts), ", ".join(notes))
