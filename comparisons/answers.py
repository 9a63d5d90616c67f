"""The answer above the fold: one computed sentence that says which tool to ship, and why."""

from dataclasses import dataclass
from typing import Any, Protocol

from markupsafe import Markup

from reviews.scorecards import Outcome, PanelStrip, Scorecard
from tools.pricing import Entry, Pricing

#: Mean scores that are less than this many points apart decide nothing.
CLEAR_LEAD = 5


class Contender(Protocol):
    """What the answer needs to know of a tool."""

    @property
    def name(self) -> str: ...
    @property
    def tagline(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def strip(self) -> PanelStrip: ...
    @property
    def scorecard(self) -> Scorecard[Any]: ...
    @property
    def pricing(self) -> Pricing: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence in two parts, both safe HTML with the names isolated: what to do, and why."""

    verdict: Markup
    reason: Markup

    @property
    def text(self) -> str:
        """The sentence without markup."""
        return f"{self.verdict.striptags()}: {self.reason.striptags()}"


def answer(left: Contender, right: Contender) -> Answer:
    """Compare two tools and say who wins and by what.

    The first of these that tells them apart decides: whether both panels are complete, the number
    of personas who ship, the mean score (when all eight scores are known and the means are
    CLEAR_LEAD points apart), what it takes to start. If nothing does, it is too close to call and
    the sentence says what each one suits. Two tools that their panels skip are never winners.
    /methodology/ tells readers the same.
    """
    return (
        _by_missing_reviews(left, right)
        or _by_panel(left, right)
        or _by_score(left, right)
        or _by_entry(left, right)
        or _too_close(left, right)
    )


def _by_missing_reviews(left: Contender, right: Contender) -> Answer | None:
    waiting = [tool for tool in (left, right) if tool.strip.outcome == Outcome.PENDING]
    if not waiting:
        return None
    counts = Markup(" and ").join(
        Markup("{} has {} of its 4 reviews").format(_name(tool), tool.strip.count)
        for tool in waiting
    )
    return _say("Too early to call", "{}, and a panel decides with all four.", counts)


def _by_panel(left: Contender, right: Contender) -> Answer | None:
    best, other = sorted((left, right), key=lambda tool: -tool.strip.ships)
    if best.strip.ships == other.strip.ships:
        return None
    if best.strip.outcome == Outcome.SKIP:
        return _say(
            "Skip both",
            "{} of 4 personas ship {}, {} of 4 ship {}, and neither is enough.",
            best.strip.ships, _name(best), other.strip.ships, _name(other),
        )  # fmt: skip
    return _say(
        _wins(best, "panel"),
        "{} of 4 personas ship it, against {} of 4 for {}.",
        best.strip.ships, other.strip.ships, _name(other),
    )  # fmt: skip


def _by_score(left: Contender, right: Contender) -> Answer | None:
    high, low = left.scorecard.mean_score, right.scorecard.mean_score
    if high is None or low is None or abs(high - low) < CLEAR_LEAD:
        return None
    best = left if high > low else right
    return _say(
        "Skip both" if best.strip.outcome == Outcome.SKIP else _wins(best, "scores"),
        "{}, and its mean score is {:.0f} against {:.0f}.",
        _agreement(best), max(high, low), min(high, low),
    )  # fmt: skip


def _by_entry(left: Contender, right: Contender) -> Answer | None:
    if {left.pricing.entry, right.pricing.entry} != {Entry.FREE, Entry.PAID}:
        return None
    if left.strip.outcome == Outcome.SKIP:
        return None
    best, other = (left, right) if left.pricing.entry == Entry.FREE else (right, left)
    return _say(
        _wins(best, "price"),
        "{}, but it is free to start and {} is not.",
        _agreement(best), _name(other),
    )  # fmt: skip


def _too_close(left: Contender, right: Contender) -> Answer:
    if left.strip.outcome == Outcome.SKIP:
        return _say("Skip both", "{}.", _agreement(left))
    suits = Markup(", ").join(
        Markup("{} suits “{}”").format(_name(tool), tool.tagline or tool.category)
        for tool in (left, right)
    )
    return _say("Too close to call", "{}. {}.", _agreement(left), suits)


def _say(verdict: str, reason: str, *values: object) -> Answer:
    return Answer(Markup.escape(verdict), Markup(reason).format(*values))


def _name(tool: Contender) -> Markup:
    """Return the name on its own for the bidirectional algorithm, so right-to-left names hold."""
    return Markup("<bdi>{}</bdi>").format(tool.name)


def _wins(tool: Contender, by: str) -> Markup:
    return Markup("{} wins on {}").format(_name(tool), by if by == "price" else f"the {by}")


def _agreement(tool: Contender) -> str:
    """Say what two panels with equal counts have in common."""
    strip = tool.strip
    says = "are split" if strip.outcome == Outcome.SPLIT else f"say {strip.outcome.value}"
    return f"both panels {says}, {strip.ships} to {strip.skips}"
