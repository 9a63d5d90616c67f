"""The answer above the fold: one computed sentence that says which tool to ship, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from markupsafe import Markup

from reviews.scorecards import Outcome, PanelStrip, Scorecard
from reviews.tallies import Count
from tools.pricing import Entry, Pricing

#: Mean scores that are less than this many points apart decide nothing.
CLEAR_LEAD = 5
COUNTS = {2: "two", 3: "three", 4: "four"}


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
    @property
    def count(self) -> Count: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence in two parts, both safe HTML with the names isolated: what to do, and why."""

    verdict: Markup
    reason: Markup

    @property
    def text(self) -> str:
        """The sentence without markup."""
        return f"{self.verdict.striptags()}: {self.reason.striptags()}"


Tools = Sequence[Contender]


def answer(*tools: Contender) -> Answer:
    """Compare two to four tools and say who wins and by what.

    The first of these that decides is the answer: whether every panel is complete, whether any tool
    is worth shipping at all, the number of personas who ship. Those that share the lead are told
    apart by the mean score (when all of theirs are known and the best mean is CLEAR_LEAD points
    ahead), then by what it takes to start, then by the readers' votes (when the best share is above
    every other one by more than chance). A winner is ahead of every other tool. If nobody is, it
    is too close to call and the sentence says what each leader suits. Tools that their panels skip
    are never winners. /methodology/ tells readers the same.
    """
    return (
        _by_missing_reviews(tools)
        or _by_skipping(tools)
        or _by_panel(tools)
        or _by_score(tools)
        or _by_entry(tools)
        or _by_community(tools)
        or _too_close(tools)
    )


def _by_missing_reviews(tools: Tools) -> Answer | None:
    waiting = [
        Markup("{} has {} of its 4 reviews").format(_name(tool), tool.strip.count)
        for tool in tools
        if tool.strip.outcome == Outcome.PENDING
    ]
    if not waiting:
        return None
    return _say("Too early to call", "{}, and a panel decides with all four.", _listed(waiting))


def _by_skipping(tools: Tools) -> Answer | None:
    ranked = _by_ships(tools)
    if ranked[0].strip.outcome != Outcome.SKIP:
        return None
    verdict = "Skip both" if len(tools) == 2 else f"Skip all {COUNTS[len(tools)]}"
    if ranked[0].strip.ships == ranked[-1].strip.ships:
        return _say(verdict, "{}.", _agreement(tools))
    return _say(
        verdict,
        "{} of 4 personas ship {}, {}, and {} is enough.",
        ranked[0].strip.ships,
        _name(ranked[0]),
        _listed(
            [
                Markup("{} of 4 ship {}").format(tool.strip.ships, _name(tool))
                for tool in ranked[1:]
            ],
            ", ",
        ),
        "neither" if len(tools) == 2 else "none",
    )


def _by_panel(tools: Tools) -> Answer | None:
    best, *others = _by_ships(tools)
    if best.strip.ships == others[0].strip.ships:
        return None
    against = [Markup("{} of 4 for {}").format(tool.strip.ships, _name(tool)) for tool in others]
    return _say(
        _wins(best, "panel"),
        "{} of 4 personas ship it, against {}.",
        best.strip.ships, _listed(against),
    )  # fmt: skip


def _points(mean: float) -> str:
    """Return a mean with the one decimal that may decide, where it is not whole."""
    return f"{mean:.1f}".removesuffix(".0")


def _by_score(tools: Tools) -> Answer | None:
    means = [(tool.scorecard.mean_score, tool) for tool in _leaders(tools)]
    known = [(mean, tool) for mean, tool in means if mean is not None]
    if len(known) < len(means):
        return None
    (high, best), *others = sorted(known, key=lambda pair: -pair[0])
    if high - others[0][0] < CLEAR_LEAD:
        return None
    against = [
        Markup("{} for {}").format(_points(mean), _name(tool))
        if len(tools) > 2
        else Markup("{}").format(_points(mean))
        for mean, tool in others
    ]
    return _say(
        _wins(best, "scores"),
        "{}, and its mean score is {} against {}.",
        _agreement(tools), _points(high), _listed(against),
    )  # fmt: skip


def _by_entry(tools: Tools) -> Answer | None:
    leaders = _leaders(tools)
    free = [tool for tool in leaders if tool.pricing.entry == Entry.FREE]
    paid = [tool for tool in leaders if tool.pricing.entry == Entry.PAID]
    if len(free) != 1 or len(paid) != len(leaders) - 1:
        return None
    return _say(
        _wins(free[0], "price"),
        "{}, but it is free to start and {} {} not.",
        _agreement(tools), _names(paid), "is" if len(paid) == 1 else "are",
    )  # fmt: skip


def _by_community(tools: Tools) -> Answer | None:
    best, *others = sorted(_leaders(tools), key=lambda tool: -tool.count.rank)
    highest = max((other.count.interval[1] for other in others), default=1)
    if not all(tool.count.enough for tool in (best, *others)) or best.count.rank <= highest:
        return None
    against = [
        Markup("{}% for {}").format(tool.count.share, _name(tool))
        if len(tools) > 2
        else Markup("{}%").format(tool.count.share)
        for tool in others
    ]
    return _say(
        Markup("{} wins with the readers").format(_name(best)),
        "{}, and {}% of {} votes ship it, against {}.",
        _agreement(tools), best.count.share, f"{best.count.total:,}", _listed(against),
    )  # fmt: skip


def _too_close(tools: Tools) -> Answer:
    suits = Markup(", ").join(
        Markup("{} suits “<bdi>{}</bdi>”").format(_name(tool), tool.tagline or tool.category)
        for tool in _leaders(tools)
    )
    return _say("Too close to call", "{}. {}.", _agreement(tools), suits)


def _by_ships(tools: Tools) -> list[Contender]:
    """Return the tools that the most personas ship first, equal ones in their order."""
    return sorted(tools, key=lambda tool: -tool.strip.ships)


def _leaders(tools: Tools) -> list[Contender]:
    """Return the tools that no other one beats on the panel."""
    most = max(tool.strip.ships for tool in tools)
    return [tool for tool in tools if tool.strip.ships == most]


def _say(verdict: str, reason: str, *values: object) -> Answer:
    return Answer(Markup.escape(verdict), Markup(reason).format(*values))


def _name(tool: Contender) -> Markup:
    """Return the name on its own for the bidirectional algorithm, so right-to-left names hold."""
    return Markup("<bdi>{}</bdi>").format(tool.name)


def _names(tools: Tools) -> Markup:
    return _listed([_name(tool) for tool in tools])


def _listed(parts: Sequence[Markup], last: str = " and ") -> Markup:
    """Write parts as in a sentence: a, b and c."""
    *first, final = parts
    return Markup(", ").join(first) + last + final if first else final


def _wins(tool: Contender, by: str) -> Markup:
    return Markup("{} wins on {}").format(_name(tool), by if by == "price" else f"the {by}")


def _agreement(tools: Tools) -> Markup:
    """Say what the panels of the leaders have in common, and whom they are ahead of."""
    leaders = _leaders(tools)
    strip = leaders[0].strip
    behind = [tool for tool in tools if tool.strip.ships < strip.ships]
    says = "are split" if strip.outcome == Outcome.SPLIT else f"say {strip.outcome.value}"
    votes = f"{says}, {strip.ships} to {strip.skips}"
    if not behind:
        all_of_them = "both" if len(tools) == 2 else f"all {COUNTS[len(tools)]}"
        return Markup("{} panels {}").format(all_of_them, votes)
    return Markup("the panels of {} {} {}, ahead of {}").format(
        _names(leaders), "both" if len(leaders) == 2 else "all", votes, _names(behind)
    )
