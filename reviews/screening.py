"""Which votes are suspicious. They are kept but not counted, until somebody or the night decides.

The rules look at a bounded number of the newest rows, through an index, while the vote is cast.
They take what was cast on one subject and from one address as querysets, so that they serve votes
on whatever there is to vote on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from .duels import Duel, DuelTally
from .tallies import ENOUGH, wilson_interval
from .votes import Screened, Standing, Suspicion, Tally, Vote

#: How far back “at once” reaches for votes from one address, and for floods.
WINDOW = timedelta(hours=1)
#: Votes from one address within WINDOW: more than a reader casts who tries everything out, while
#: an office or a school behind one address has room.
ADDRESS_LIMIT = 60
#: Votes and duels that are stored from one address within WINDOW. Further ones are answered and
#: thrown away, so that nobody fills the database from one place.
STORED_LIMIT = 300
#: Counted votes from one address on one subject in a day, which is as long as its hash stays the
#: same: a household, or a few people in an office.
HOUSEHOLD = 5
#: So many votes on one subject within BURST_WINDOW are a burst: one every ten seconds. A link from
#: a large site may do it as well, so the night looks again (`sweeping`).
BURST = 60
BURST_WINDOW = timedelta(minutes=10)
#: So many votes on one subject, cast or changed last within WINDOW, of which FLOOD_SHARE say the
#: same, are a flood, unless its earlier votes leaned as far.
FLOOD = 40
FLOOD_SHARE = 0.95
#: What some work of the voter's browser may release. More from one address than a household casts
#: is not worth its price in seconds, and what an editor doubts is the editor's to release.
RELEASED_BY_WORK = (Suspicion.COOKIE, Suspicion.BURST, Suspicion.FLOOD)


def suspicion_of(
    vote: Screened,
    choice: str,
    on_subject: QuerySet[Any],
    tallied: Mapping[str, int],
) -> Suspicion | None:
    """Return why a vote that is about to be counted should not be, or None.

    `on_subject` are the votes on the same subject; their model has a field `choice`. `tallied` is
    how many of each choice are counted. The caller holds the lock on the subject's tally, so what
    is said of one subject is exact; votes of one address on different subjects that are cast in
    the same instant may not see each other, and ADDRESS_LIMIT is soft by as many.
    """
    others = on_subject.exclude(pk=vote.pk)
    found = suspicion_of_address(vote, others)
    return found or _suspicion_of_wave(vote.changed_at, choice, others, tallied)


def suspicion_of_change(
    vote: Screened,
    choice: str,
    on_subject: QuerySet[Any],
    tallied: Mapping[str, int],
) -> Suspicion | None:
    """Return why a counted vote should not be counted any more now that it says `choice`, or None.

    The arguments are those of `suspicion_of`, with the vote's old choice out of `tallied`. A wave
    may be made of changes. The address has its say already.
    """
    others = on_subject.exclude(pk=vote.pk)
    return _suspicion_of_wave(vote.changed_at, choice, others, tallied)


def suspicion_of_address(vote: Screened, others: QuerySet[Any]) -> Suspicion | None:
    """Return why a vote should not be counted because of where it came from, or None.

    `others` are the other votes on the same subject.
    """
    if vote.address is None:
        return None
    since = vote.cast_at - WINDOW
    same_house = list(
        others.filter(address=vote.address, standing=Standing.COUNTED)
        .order_by()
        .values_list("without_cookie", "cast_at")[:HOUSEHOLD]
    )
    if vote.without_cookie and any(bare and at > since for bare, at in same_house):
        return Suspicion.COOKIE
    if len(same_house) >= HOUSEHOLD:
        return Suspicion.ADDRESS
    everything = type(vote)._default_manager.filter(
        address=vote.address, cast_at__gt=since, cast_at__lte=vote.cast_at
    )
    if everything.exclude(pk=vote.pk)[:ADDRESS_LIMIT].count() >= ADDRESS_LIMIT:
        return Suspicion.ADDRESS
    return None


def _suspicion_of_wave(
    now: datetime, choice: str, others: QuerySet[Any], tallied: Mapping[str, int]
) -> Suspicion | None:
    newest = list(
        others.filter(changed_at__gt=now - WINDOW, changed_at__lte=now)
        .order_by("-changed_at")
        .values_list("changed_at", "choice", "standing", "cast_at")[: max(BURST, FLOOD)]
    )
    wave = [choice, *(said for _, said, *_ in newest[: FLOOD - 1])]
    if len(wave) == FLOOD and wave.count(choice) >= FLOOD_SHARE * FLOOD:
        counted = [said for _, said, standing, _ in newest if standing == Standing.COUNTED]
        # What is older than the wave and was changed in it said something else before.
        turned = sum(cast_at <= now - WINDOW for *_, cast_at in newest)
        before = tallied.get(choice, 0) - counted.count(choice)
        total_before = sum(tallied.values()) - len(counted) + turned
        if not leaned(before, total_before):
            return Suspicion.FLOOD
    if len(newest) >= BURST and newest[BURST - 1][0] > now - BURST_WINDOW:
        return Suspicion.BURST
    return None


def is_full(address: bytes | memoryview | None) -> bool:
    """Whether nothing more is stored from this address for now; never so where it is unknown."""
    if address is None:
        return False
    recent = {"address": address, "cast_at__gt": timezone.now() - WINDOW}
    stored = sum(
        kind._default_manager.filter(**recent).order_by()[:STORED_LIMIT].count()
        for kind in (Vote, Duel)
    )
    return stored >= STORED_LIMIT


def leaned(part: int, whole: int) -> bool:
    """Whether `part` of `whole` earlier votes make a share of FLOOD_SHARE nothing unusual."""
    return whole >= ENOUGH and wilson_interval(part, whole)[1] >= FLOOD_SHARE


def quarantined_votes() -> int:
    """Return how many votes and duels wait in quarantine."""
    return sum(
        kind._default_manager.aggregate(waiting=Sum("quarantined", default=0))["waiting"]
        for kind in (Tally, DuelTally)
    )
