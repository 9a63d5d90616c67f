"""What votes add up to: shares, and how sure one can be of them. No database is needed."""

from dataclasses import dataclass
from math import ceil, floor, sqrt

#: Below so many votes a share says too little to be shown.
ENOUGH = 10
#: The 97.5th percentile of the normal distribution: intervals hold 95 times out of 100.
Z = 1.959963984540054


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """Return the 95% interval, from 0 to 1, of the share of which `part` of `whole` is a sample.

    It is the score interval of Wilson, E. B. (1927), “Probable inference, the law of succession,
    and statistical inference”, Journal of the American Statistical Association 22 (158), 209-212,
    with z = 1.96. Unlike the textbook's it holds for few votes and for shares near 0 and 1.
    Without votes it is (0, 1): anything is possible.
    """
    if not whole:
        return 0.0, 1.0
    share = part / whole
    centre = share + Z**2 / (2 * whole)
    spread = Z * sqrt(share * (1 - share) / whole + (Z / (2 * whole)) ** 2)
    scale = 1 + Z**2 / whole
    # The ends are exact where nobody disagrees; rounding errors would be just beside them.
    low = 0.0 if part == 0 else (centre - spread) / scale
    high = 1.0 if part == whole else (centre + spread) / scale
    return low, high


@dataclass(frozen=True, slots=True)
class Count:
    """A tool's counted votes."""

    ships: int = 0
    skips: int = 0

    @property
    def total(self) -> int:
        """How many votes are counted."""
        return self.ships + self.skips

    @property
    def enough(self) -> bool:
        """Whether there are enough votes to speak of a share."""
        return self.total >= ENOUGH

    @property
    def share(self) -> int | None:
        """Ships among the votes, in percent; None while there are too few."""
        return round(100 * self.ships / self.total) if self.enough else None

    @property
    def low(self) -> int | None:
        """The lower end of the share's interval, in percent; None while there are too few votes."""
        return floor(100 * self.interval[0]) if self.enough else None

    @property
    def high(self) -> int | None:
        """The upper end of the share's interval, in percent; None while there are too few votes."""
        return ceil(100 * self.interval[1]) if self.enough else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the ship share, from 0 to 1; see `wilson_interval`."""
        return wilson_interval(self.ships, self.total)

    @property
    def rank(self) -> float:
        """What rankings order by, from 0 to 1: the ship share that is almost certainly reached.

        The interval's lower end, so that 9 ships of 10 votes do not outrank 850 of 1,000.
        """
        return self.interval[0]

    @property
    def contest(self) -> float:
        """How contested the tool is, from 0 to 0.5: the smaller side's almost certain share.

        0 while there are too few votes.
        """
        return self._sure_of(min(self.ships, self.skips))

    @property
    def agreement(self) -> float:
        """How one-sided the votes are, from 0 to 1: the larger side's almost certain share.

        0 while there are too few votes.
        """
        return self._sure_of(max(self.ships, self.skips))

    def _sure_of(self, side: int) -> float:
        return wilson_interval(side, self.total)[0] if self.enough else 0.0

    def differs_from(self, share: int | None) -> bool:
        """Whether a panel's share lies outside the interval of the votes' share."""
        if share is None or self.low is None or self.high is None:
            return False
        return not self.low <= share <= self.high

    @property
    def interval_text(self) -> str:
        """The interval in words; nothing while there are too few votes."""
        if not self.enough:
            return ""
        return f"With 95% confidence between {self.low}% and {self.high}% of readers would ship it."

    @property
    def text(self) -> str:
        """The count in words: “71% ship of 312 votes”; never a percentage of too few."""
        if not self.total:
            return "No community votes yet"
        votes = "1 vote" if self.total == 1 else f"{self.total:,} votes"
        return f"{self.share}% ship of {votes}" if self.enough else f"{votes}, too few to say"


@dataclass(frozen=True, slots=True)
class DuelCount:
    """What readers chose of two tools: one, the other, or neither."""

    left: int = 0
    right: int = 0
    neither: int = 0

    @property
    def total(self) -> int:
        """How many duels are counted."""
        return self.left + self.right + self.neither

    @property
    def enough(self) -> bool:
        """Whether there are enough duels to speak of shares."""
        return self.total >= ENOUGH

    @property
    def mirrored(self) -> "DuelCount":
        """The same with the two tools the other way round."""
        return DuelCount(self.right, self.left, self.neither)

    @property
    def shares(self) -> tuple[int, int, int] | None:
        """Left, right and neither in percent, 100 together; None while there are too few.

        What rounding down leaves goes to the largest remainders.
        """
        if not self.enough:
            return None
        parts = (self.left, self.right, self.neither)
        shares = [100 * part // self.total for part in parts]
        remainders = sorted(range(3), key=lambda place: -(100 * parts[place] % self.total))
        for place in remainders[: 100 - sum(shares)]:
            shares[place] += 1
        left, right, neither = shares
        return left, right, neither

    def text(self, left: str, right: str) -> str:
        """The count in words, of two tools by their names; never a percentage of too few.

        Each name is isolated, so that one from right to left moves nothing around it.
        """
        if self.shares:
            for_left, for_right, for_neither = self.shares
            return (
                f"Of {self.total:,} readers {for_left}% would ship with \u2068{left}\u2069, "
                f"{for_right}% with \u2068{right}\u2069, {for_neither}% with neither."
            )
        if not self.total:
            return "Nobody has answered yet."
        readers = "1 reader" if self.total == 1 else f"{self.total} readers"
        return f"{readers} answered, too few to say."
