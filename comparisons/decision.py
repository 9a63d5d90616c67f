"""The rows of the decision table: one question each, one cell a tool."""

from dataclasses import dataclass

from .pairs import Pair, Side


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer, with a remark in small print."""

    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One question with the answers of both tools."""

    question: str
    cells: tuple[Cell, Cell]

    @property
    def differs(self) -> bool:
        """Whether the two answers differ; remarks do not count."""
        left, right = self.cells
        return left.text != right.text


def decision_table(pair: Pair) -> list[Row]:
    """Return the rows of the table for a pair of tools."""
    questions = {
        "Panel verdict": _verdict,
        "Community": _community,
        "Pricing": _pricing,
        "Best for": lambda side: Cell(side.tagline or "Not recorded yet"),
        "Category": lambda side: Cell(side.category),
        "Vendor": lambda side: Cell(side.vendor),
    }
    return [
        Row(question, (answer(pair.left), answer(pair.right)))
        for question, answer in questions.items()
    ]


def _verdict(side: Side) -> Cell:
    strip = side.strip
    note = f"{len(strip.missing)} of 4 reviews to come" if strip.missing else ""
    return Cell(f"{strip.outcome.label} · {strip.ships} ship / {strip.skips} skip", note)


def _community(side: Side) -> Cell:
    return Cell("No community votes yet")


def _pricing(side: Side) -> Cell:
    pricing = side.pricing
    if not pricing.plans:
        return Cell("No plan recorded yet")
    checked = pricing.checked_on
    note = f"checked {checked.day} {checked:%b %Y}" if checked else "amounts not recorded yet"
    return Cell(pricing.summary, note)
