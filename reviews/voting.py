"""Casting a vote: the one write. Vote and tally change together, exactly, under any concurrency."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tools.models import Tool
from tools.status import is_published

from .duels import Duel
from .scorecards import Verdict
from .screening import (
    RELEASED_BY_WORK,
    is_full,
    suspicion_of,
    suspicion_of_address,
    suspicion_of_change,
)
from .tallies import Count
from .votes import Screened, ScreenedTally, Standing, Suspicion, Tally, Vote

Change = Literal["cast", "changed", "retracted", "unchanged"]


@dataclass(frozen=True, slots=True)
class Cast:
    """What casting a vote has done."""

    change: Change
    #: What the voter said before, and what they say now; None for nothing.
    before: Verdict | None
    choice: Verdict | None
    count: Count
    #: The vote, as long as it waits in quarantine.
    quarantined: Vote | None = None


@transaction.atomic
def cast_vote(
    tool_id: int,
    voter: UUID,
    choice: Verdict | None,
    *,
    address: bytes | None = None,
    without_cookie: bool = False,
) -> Cast:
    """Cast, change or retract (`choice` is None) a voter's vote on a tool, and say what happened.

    `address` is the hash of where it came from, None where that is unknown; `without_cookie` says
    that the voter is new because no cookie was sent. A suspicious vote is taken and not counted. A
    change is screened for waves as a new vote is; what waits or is rejected stays so. Saying the
    same again changes nothing.

    Raises Tool.DoesNotExist when readers may not see the tool, unless the voter takes back a vote.
    """
    taken_back = choice is None and Vote.objects.filter(tool=tool_id, voter=voter).first()
    tally = taken_back.lock_tally() if taken_back else _lock_public_tally(tool_id)
    new = Vote(tool_id=tool_id, voter=voter, address=address, without_cookie=without_cookie)
    change, before, vote = settle(tally, new, choice)
    waits = vote if vote and vote.standing == Standing.QUARANTINED else None
    return Cast(change, Verdict(before) if before else None, choice, tally.count, waits)


def settle(
    tally: ScreenedTally, new: Screened, choice: str | None
) -> tuple[Change, str | None, Any]:
    """Cast, change or retract what one voter says of one subject, and save it with its tally.

    `tally` is the subject's, locked; `new` is what is saved, with the choice, if the voter said
    nothing of the subject before; unless there is no room for more from its address, which is not
    told. Returns what happened, what they said before, and what stands now; None for nothing.
    """
    vote: Any = tally.cast.filter(voter=new.voter).first()
    before = vote.choice if vote else None
    if choice == before:
        return "unchanged", before, vote
    if choice is None and vote.standing == Standing.REJECTED:
        # It stays, uncounted: its voter would only have to vote anew to be counted.
        return "retracted", before, None
    change: Change
    if vote:
        tally.add(-1, vote.choice, vote.standing)
    if choice is None:
        vote.delete()
        vote, change = None, "retracted"
    elif vote:
        vote.choice, vote.changed_at = choice, timezone.now()
        if vote.standing == Standing.COUNTED:
            _hold(vote, suspicion_of_change(vote, choice, tally.cast, tally.tallied))
        vote.save(update_fields=["choice", "changed_at", "standing", "suspicion"])
        change = "changed"
    elif is_full(new.address):
        return "cast", before, None
    else:
        vote, change = new, "cast"
        vote.choice = choice
        _screen(vote, tally)
        vote.save(force_insert=True)
    if vote:
        tally.add(1, vote.choice, vote.standing)
    tally.save()
    return change, before, vote


def release_returning(voter: UUID) -> None:
    """Release what waits because its voter had no cookie, now that it has come back.

    Each vote is screened once more, because the other rules may hold it.
    """
    for kind in (Vote, Duel):
        waiting = kind.objects.filter(
            voter=voter, standing=Standing.QUARANTINED, suspicion=Suspicion.COOKIE
        )
        for waited in waiting:
            with transaction.atomic():
                tally = waited.lock_tally()
                vote = waiting.filter(pk=waited.pk).first()
                if vote is None:  # decided meanwhile
                    continue
                tally.add(-1, vote.choice, vote.standing)
                vote.standing, vote.without_cookie = Standing.COUNTED, False
                _screen(vote, tally)
                vote.save(update_fields=["standing", "suspicion", "without_cookie"])
                tally.add(1, vote.choice, vote.standing)
                tally.save()


@transaction.atomic
def release_vote(vote: Screened) -> Any:
    """Count a vote whose voter's browser has worked for it, and return its subject's count.

    Only what RELEASED_BY_WORK says is released, and no more from one address than its rule lets
    in: what is over that waits for the night.
    """
    tally = vote.lock_tally()
    waiting = tally.cast.filter(
        pk=vote.pk, standing=Standing.QUARANTINED, suspicion__in=RELEASED_BY_WORK
    ).first()
    if waiting:
        tally.add(-1, waiting.choice, waiting.standing)
        waiting.standing, waiting.without_cookie = Standing.COUNTED, False
        _hold(waiting, suspicion_of_address(waiting, tally.cast.exclude(pk=waiting.pk)))
        waiting.save(update_fields=["standing", "suspicion", "without_cookie"])
        tally.add(1, waiting.choice, waiting.standing)
        tally.save()
    return tally.count


def _lock_public_tally(tool_id: int) -> Tally:
    public = Tally.objects.filter(is_published(prefix="tool__"), pk=tool_id)
    tally = public.select_for_update(of=("self",), no_key=True).first()
    if tally is None:  # nobody has voted on it yet, or nobody may
        Tool.objects.published().only("pk").get(pk=tool_id)
        Tally.objects.bulk_create([Tally(tool_id=tool_id)], ignore_conflicts=True)
        tally = Vote(tool_id=tool_id).lock_tally()
    return tally


def _screen(vote: Screened, tally: ScreenedTally) -> None:
    _hold(vote, suspicion_of(vote, vote.choice, tally.cast, tally.tallied))


def _hold(vote: Screened, found: Suspicion | None) -> None:
    if found:
        vote.standing, vote.suspicion = Standing.QUARANTINED, found
