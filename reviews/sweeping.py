"""The nightly rule: quarantined votes are released or rejected once their day is over.

A day is a day in UTC, because for as long the hash of an address stays the same.

* Many from one address: those on tools on which no more than HOUSEHOLD votes came from that
  address are a reader's who tried everything out, and are released; more are rejected.
* Burst and flood: all votes on the tool of that day are looked at together, see `Wave`.
* Again without a cookie: released when the voter comes back with the cookie
  (`voting.release_returning`), and rejected when that has not happened in COOKIE_PATIENCE.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count as Rows
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from .moderation import reject, release
from .scorecards import Verdict
from .screening import FLOOD_SHARE, HOUSEHOLD, leaned
from .votes import Standing, Suspicion, Tally, Vote

#: How long a vote without a cookie waits for its voter.
COOKIE_PATIENCE = timedelta(days=7)
#: From so many votes an address on, a wave comes from too few places.
CROWDING = 2
#: Of a crowd at least this share has voted on another tool too. Readers look around; what is sent
#: to stuff one tally does not.
CURIOUS = 1 / 3


@dataclass(frozen=True, slots=True)
class Wave:
    """All votes on one tool of one day."""

    votes: int
    ships: int
    #: The votes whose address hash is still there, and how many different ones they have.
    addressed: int
    addresses: int
    #: The votes whose voter has a counted vote on another tool.
    curious: int
    #: The counted votes of the days before: how many, and how many ships among them.
    votes_before: int
    ships_before: int

    @property
    def is_stuffing(self) -> bool:
        """Whether it looks made: from few addresses, or of one opinion by nobody we know.

        A tool that was always liked may have a day on which everybody likes it.
        """
        if self.addressed >= CROWDING * max(self.addresses, 1):
            return True
        side, before = self.ships, self.ships_before
        if 2 * side < self.votes:
            side, before = self.votes - side, self.votes_before - before
        one_sided = side >= FLOOD_SHARE * self.votes and not leaned(before, self.votes_before)
        return one_sided and self.curious < CURIOUS * self.votes

    @property
    def text(self) -> str:
        """What speaks for or against it, in words."""
        return (
            f"{self.ships} of {self.votes} ship, from {self.addresses} addresses; "
            f"{self.curious} of the voters have voted elsewhere."
        )


@dataclass(slots=True)
class Swept:
    """How many votes a sweep has released and rejected."""

    released: int = 0
    rejected: int = 0


def tools_to_sweep() -> list[int]:
    """Return the tools with quarantined votes."""
    return list(Tally.objects.filter(quarantined__gt=0).order_by("pk").values_list("pk", flat=True))


def sweep(tool_ids: Iterable[int], now: datetime | None = None) -> Swept:
    """Decide on the quarantined votes of these tools whose time has come, and say on how many.

    Doing it again decides nothing anew; an interruption leaves the rest for the next time.
    """
    now = now or datetime.now(UTC)
    swept = Swept()
    for tool_id in tool_ids:
        _sweep_tool(Vote.objects.filter(tool=tool_id), now, swept)
    return swept


def _sweep_tool(votes: QuerySet[Vote], now: datetime, swept: Swept) -> None:
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    waiting = votes.filter(standing=Standing.QUARANTINED)
    due = waiting.filter(cast_at__lt=midnight)

    forgotten = waiting.filter(suspicion=Suspicion.COOKIE, cast_at__lt=now - COOKIE_PATIENCE)
    swept.rejected += reject(forgotten, reason="The voters did not come back with their cookie.")

    crowded = due.filter(suspicion=Suspicion.ADDRESS)
    at_home = crowded.filter(address__in=_households(votes, crowded))
    swept.released += release(at_home, reason="Few votes on this tool came from these addresses.")
    swept.rejected += reject(crowded, reason="Too many votes on this tool came from one address.")

    waves = due.filter(suspicion__in=[Suspicion.BURST, Suspicion.FLOOD])
    for day in _days(waves):
        wave = wave_of(votes, day)
        suspects, reason = _of_day(waves, day), f"{day:%-d %b %Y}: {wave.text}"
        if wave.is_stuffing:
            swept.rejected += reject(suspects, reason=reason)
        else:
            swept.released += release(suspects, reason=reason)


def _households(votes: QuerySet[Vote], suspects: QuerySet[Vote]) -> Sequence[Any]:
    """Return the address hashes of the suspects that have few votes on this tool."""
    asked = suspects.filter(address__isnull=False).order_by().values("address")
    crowds = votes.filter(address__in=asked).order_by().values("address").annotate(size=Rows("pk"))
    return [row["address"] for row in crowds.filter(size__lte=HOUSEHOLD)]


def wave_of(votes: QuerySet[Vote], day: date) -> Wave:
    """Look at all votes of one tool on a day."""
    elsewhere = Vote.objects.filter(voter=OuterRef("voter"), standing=Standing.COUNTED).exclude(
        tool=OuterRef("tool")
    )
    start = datetime.combine(day, time(), UTC)
    before = votes.filter(standing=Standing.COUNTED, cast_at__lt=start)
    ship = Q(choice=Verdict.SHIP)
    return Wave(
        **_of_day(votes, day).aggregate(
            votes=Rows("pk"),
            ships=Rows("pk", filter=ship),
            addressed=Rows("address"),
            addresses=Rows("address", distinct=True),
            curious=Rows("pk", filter=Exists(elsewhere)),
        ),
        **before.aggregate(votes_before=Rows("pk"), ships_before=Rows("pk", filter=ship)),
    )


def _days(votes: QuerySet[Vote]) -> list[date]:
    days = votes.order_by().values_list(TruncDate("cast_at", tzinfo=UTC), flat=True).distinct()
    return sorted(days)


def _of_day(votes: QuerySet[Vote], day: date) -> QuerySet[Vote]:
    start = datetime.combine(day, time(), UTC)
    return votes.filter(cast_at__gte=start, cast_at__lt=start + timedelta(days=1))
