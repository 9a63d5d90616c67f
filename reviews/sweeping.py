"""The nightly rule: quarantined votes are released or rejected once their day is over.

A day is a day in UTC, because for as long the hash of an address stays the same.

* Many from one address: those on subjects on which no more than HOUSEHOLD votes came from that
  address are a reader's who tried everything out, and are released; more are rejected.
* Burst and flood: all votes on the subject that were cast or changed on that day are looked at
  together, see `Wave`.
* Again without a cookie: released when the voter comes back with the cookie
  (`voting.release_returning`), and rejected when that has not happened in COOKIE_PATIENCE.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count as Rows
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from .duels import DuelTally
from .moderation import reject, release
from .screening import FLOOD_SHARE, HOUSEHOLD, leaned
from .votes import ScreenedTally, Standing, Suspicion, Tally

#: How long a vote without a cookie waits for its voter.
COOKIE_PATIENCE = timedelta(days=7)
#: From so many votes an address on, a wave comes from too few places.
CROWDING = 2
#: Of a crowd at least this share has voted on another subject too. Readers look around; what is
#: sent to stuff one tally does not.
CURIOUS = 1 / 3


@dataclass(frozen=True, slots=True)
class Wave:
    """All votes on one subject, cast or changed last on one day, and what most of them say."""

    votes: int
    choice: str
    same: int
    #: The votes whose address hash is still there, and how many different ones they have.
    addressed: int
    addresses: int
    #: The votes whose voter has a counted vote on another subject.
    curious: int
    #: The counted votes of the days before: how many, and how many said the same.
    votes_before: int
    same_before: int

    @property
    def is_stuffing(self) -> bool:
        """Whether it looks made: from few addresses, or of one opinion by nobody we know.

        A tool that was always liked may have a day on which everybody likes it.
        """
        if self.addressed >= CROWDING * max(self.addresses, 1):
            return True
        one_sided = self.same >= FLOOD_SHARE * self.votes
        leans = leaned(self.same_before, self.votes_before)
        return one_sided and not leans and self.curious < CURIOUS * self.votes

    @property
    def text(self) -> str:
        """What speaks for or against it, in words."""
        return (
            f"{self.same} of {self.votes} say {self.choice}, from {self.addresses} addresses; "
            f"{self.curious} of the voters have voted elsewhere."
        )


@dataclass(slots=True)
class Swept:
    """How many votes a sweep has released and rejected."""

    released: int = 0
    rejected: int = 0


def tallies_to_sweep() -> list[ScreenedTally]:
    """Return the tallies of what has quarantined votes."""
    kinds: tuple[type[ScreenedTally], ...] = (Tally, DuelTally)
    return [
        tally
        for kind in kinds
        for tally in kind._default_manager.filter(quarantined__gt=0).order_by("pk")
    ]


def sweep(tallies: Iterable[ScreenedTally], now: datetime | None = None) -> Swept:
    """Decide on the quarantined votes of these tallies whose time has come, and say on how many.

    Doing it again decides nothing anew; an interruption leaves the rest for the next time.
    """
    now = now or datetime.now(UTC)
    swept = Swept()
    for tally in tallies:
        _sweep_subject(tally.cast, now, swept)
    return swept


def _sweep_subject(votes: QuerySet[Any], now: datetime, swept: Swept) -> None:
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    waiting = votes.filter(standing=Standing.QUARANTINED)
    due = waiting.filter(cast_at__lt=midnight)

    forgotten = waiting.filter(suspicion=Suspicion.COOKIE, cast_at__lt=now - COOKIE_PATIENCE)
    swept.rejected += reject(forgotten, reason="The voters did not come back with their cookie.")

    crowded = due.filter(suspicion=Suspicion.ADDRESS)
    at_home = crowded.filter(address__in=_households(votes, crowded))
    swept.released += release(at_home, reason="Few votes on it came from these addresses.")
    swept.rejected += reject(crowded, reason="Too many votes on it came from one address.")

    waves = waiting.filter(
        changed_at__lt=midnight, suspicion__in=[Suspicion.BURST, Suspicion.FLOOD]
    )
    for day in _days(waves):
        wave = wave_of(votes, day)
        suspects, reason = _of_day(waves, day), f"{day:%-d %b %Y}: {wave.text}"
        if wave.is_stuffing:
            swept.rejected += reject(suspects, reason=reason)
        else:
            swept.released += release(suspects, reason=reason)


def _households(votes: QuerySet[Any], suspects: QuerySet[Any]) -> QuerySet[Any]:
    """Return the address hashes of the suspects that have few votes on the subject."""
    asked = suspects.filter(address__isnull=False).order_by().values("address")
    crowds = votes.filter(address__in=asked).order_by().values("address").annotate(size=Rows("pk"))
    return crowds.filter(size__lte=HOUSEHOLD).values("address")


def wave_of(votes: QuerySet[Any], day: date) -> Wave:
    """Look at all votes on one subject of a day."""
    kind = votes.model
    elsewhere = kind.objects.filter(voter=OuterRef("voter"), standing=Standing.COUNTED).exclude(
        **{kind.SUBJECT: OuterRef(kind.SUBJECT)}
    )
    start = datetime.combine(day, time(), UTC)
    before = votes.filter(standing=Standing.COUNTED, changed_at__lt=start)
    that_day = _of_day(votes, day).order_by()
    by_choice = that_day.values_list("choice").annotate(size=Rows("pk"))
    choice, same = by_choice.order_by("-size", "choice")[0]
    facts = that_day.aggregate(
        votes=Rows("pk"),
        addressed=Rows("address"),
        addresses=Rows("address", distinct=True),
        curious=Rows("pk", filter=Exists(elsewhere)),
        turned=Rows("pk", filter=Q(cast_at__lt=start)),
    )
    # Who changed an older vote on that day said something else before.
    turned = facts.pop("turned")
    same_before = Rows("pk", filter=Q(choice=choice))
    earlier = before.aggregate(votes_before=Rows("pk") + turned, same_before=same_before)
    return Wave(choice=choice, same=same, **facts, **earlier)


def _days(votes: QuerySet[Any]) -> list[date]:
    days = votes.order_by().values_list(TruncDate("changed_at", tzinfo=UTC), flat=True).distinct()
    return sorted(days)


def _of_day(votes: QuerySet[Any], day: date) -> QuerySet[Any]:
    start = datetime.combine(day, time(), UTC)
    return votes.filter(changed_at__gte=start, changed_at__lt=start + timedelta(days=1))
