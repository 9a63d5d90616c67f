"""From readers' head-to-head choices to one order: Bradley-Terry with bootstrap intervals.

No database is needed. The model is that of R. A. Bradley and M. E. Terry, "Rank analysis of
incomplete block designs: I. The method of paired comparisons", Biometrika 39 (1952): each tool has
a strength, and A is chosen over B with the probability strength(A) / (strength(A) + strength(B)).
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

#: How often each of two tools was chosen over the other: {(1, 2): (30, 12)}.
Choices = Mapping[tuple[int, int], tuple[int, int]]

#: Every tool is taken to have drawn this many duels against one of average strength. Without such
#: a prior a tool that was always chosen would be infinitely strong (F. Caron and A. Doucet,
#: "Efficient Bayesian inference for generalized Bradley-Terry models", 2012, use one to this end).
PRIOR_DUELS = 2
#: The strengths are good enough when none moves by more than this share in a round; those of a
#: resample only have to show how far chance moves them.
TOLERANCE = 1e-6
RESAMPLE_TOLERANCE = 1e-3
MAX_ROUNDS = 1000
#: How many times the choices are drawn anew, and the share of outcomes within the interval.
RESAMPLES = 200
CONFIDENCE = 0.95
#: Up to so many choices of a pair are drawn one by one.
EXACTLY = 100
#: A tool takes part once it was in this many choices; before, its place would be chance.
ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """A tool's place among those it was compared with, in percent.

    `win_rate` is the share of duels that it would win against a tool of average strength; between
    `low` and `high` lie 95 % of what resampled choices give.
    """

    tool_id: int
    win_rate: float
    low: float
    high: float
    duels: int


def strengths(
    choices: Choices,
    start: Mapping[int, float] | None = None,
    tolerance: float = TOLERANCE,
) -> dict[int, float]:
    """Return each tool's strength, 1 being average, from how often it was chosen over others.

    With a `start` near the result it takes fewer rounds.

    Iterates the minorisation of D. R. Hunter, "MM algorithms for generalized Bradley-Terry models",
    Annals of Statistics 32 (2004), which always converges with the prior.
    """
    wins: dict[int, float] = defaultdict(lambda: PRIOR_DUELS / 2)
    opponents: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (one, other), (for_one, for_other) in choices.items():
        wins[one] += for_one
        wins[other] += for_other
        opponents[one].append((other, for_one + for_other))
        opponents[other].append((one, for_one + for_other))
    found = dict(start) if start else dict.fromkeys(opponents, 1.0)
    for _ in range(MAX_ROUNDS):
        moved = 0.0
        for tool, duels in opponents.items():
            mine = found[tool]
            expected = PRIOR_DUELS / (mine + 1)
            for other, count in duels:
                expected += count / (mine + found[other])
            found[tool] = wins[tool] / expected
            moved = max(moved, abs(found[tool] / mine - 1))
        if moved < tolerance:
            break
    return found


def standings(choices: Choices, seed: int = 0) -> list[Standing]:
    """Return the tools that can be ranked, the strongest first, with their intervals.

    Those are the largest group of tools in ENOUGH choices that were compared with one another,
    directly or through others.

    The intervals are the percentile bootstrap (B. Efron, "Bootstrap methods", Annals of Statistics
    7, 1979): each pair's choices are drawn anew with the shares that were observed. `seed` makes
    two runs over the same choices agree.
    """
    choices = _comparable(choices)
    duels: dict[int, int] = defaultdict(int)
    for (one, other), counts in choices.items():
        duels[one] += sum(counts)
        duels[other] += sum(counts)
    best = strengths(choices)
    dice = random.Random(seed)  # noqa: S311 - statistics, no secret
    drawn: dict[int, list[float]] = defaultdict(list)
    for _ in range(RESAMPLES):
        resampled = strengths(_resampled(choices, dice), best, RESAMPLE_TOLERANCE)
        for tool, strength in resampled.items():
            drawn[tool].append(_win_rate(strength))
    tail = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    found = [
        Standing(
            tool_id=tool,
            win_rate=_win_rate(strength),
            low=sorted(drawn[tool])[tail],
            high=sorted(drawn[tool])[-tail - 1],
            duels=duels[tool],
        )
        for tool, strength in best.items()
    ]
    return sorted(found, key=lambda standing: (-standing.win_rate, standing.tool_id))


def _comparable(choices: Choices) -> Choices:
    """Return the choices between tools that can be ranked against each other.

    Tools that were in fewer than ENOUGH choices are left out, until none is left that was. Of the
    groups that remain with no choice between them the largest is kept: nothing says how a tool of
    one stands to a tool of another. Of groups of the same size it is the one with more choices.
    """
    kept = {pair: counts for pair, counts in choices.items() if sum(counts)}
    while True:
        duels: dict[int, int] = defaultdict(int)
        for pair, counts in kept.items():
            for tool in pair:
                duels[tool] += sum(counts)
        fewer = {
            pair: counts
            for pair, counts in kept.items()
            if all(duels[tool] >= ENOUGH for tool in pair)
        }
        if len(fewer) == len(kept):
            break
        kept = fewer
    groups = _groups(kept)
    largest = max(
        groups,
        key=lambda group: (len(group), sum(duels[tool] for tool in group), -min(group)),
        default=set(),
    )
    return {pair: counts for pair, counts in kept.items() if pair[0] in largest}


def _groups(choices: Choices) -> list[set[int]]:
    """Return the tools, together with all that choices connect them to, however far."""
    groups: list[set[int]] = []
    for pair in choices:
        touched = [group for group in groups if not group.isdisjoint(pair)]
        apart = [group for group in groups if group.isdisjoint(pair)]
        groups = [*apart, set(pair).union(*touched)]
    return groups


def _resampled(choices: Choices, dice: random.Random) -> Choices:
    drawn = {}
    for pair, (for_one, for_other) in choices.items():
        total = for_one + for_other
        won = _binomial(total, for_one / total, dice)
        drawn[pair] = won, total - won
    return drawn


def _binomial(count: int, share: float, dice: random.Random) -> int:
    """Draw how many of `count` choices fall one way; of many by the normal approximation."""
    if count <= EXACTLY:
        return sum(dice.random() < share for _ in range(count))
    spread = (count * share * (1 - share)) ** 0.5
    return min(count, max(0, round(dice.gauss(count * share, spread))))


def _win_rate(strength: float) -> float:
    """Return the share of duels, in percent, that are won against a tool of average strength."""
    return 100 * strength / (strength + 1)
