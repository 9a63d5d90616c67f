"""Casting a vote: the one write. Vote and tally change together, exactly, under any concurrency."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tools.models import Tool
from tools.status import is_published

from .scorecards import Verdict
from .screening import suspicion_of
from .tallies import Count
from .votes import Standing, Suspicion, Tally, Vote


@dataclass(frozen=True, slots=True)
class Cast:
    """What casting a vote has done."""

    change: Literal["cast", "changed", "retracted", "unchanged"]
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
    that the voter is new because no cookie was sent. A suspicious vote is taken and not counted;
    changing one's mind leaves a vote where it stands. Saying the same again changes nothing.

    Raises Tool.DoesNotExist when readers may not see the tool.
    """
    tally = _lock_public_tally(tool_id)
    vote = Vote.objects.filter(tool=tool_id, voter=voter).first()
    before = Verdict(vote.choice) if vote else None
    change: Literal["cast", "changed", "retracted", "unchanged"] = "unchanged"
    if choice == before:
        pass
    elif choice is None and vote:
        tally.add(-1, vote.choice, vote.standing)
        vote.delete()
        vote, change = None, "retracted"
    elif choice and vote:
        tally.add(-1, vote.choice, vote.standing)
        vote.choice, vote.changed_at = choice, timezone.now()
        vote.save(update_fields=["choice", "changed_at"])
        tally.add(1, vote.choice, vote.standing)
        change = "changed"
    elif choice:
        vote = Vote(
            tool_id=tool_id,
            voter=voter,
            choice=choice,
            address=address,
            without_cookie=without_cookie,
        )
        _screen(vote, tally)
        vote.save(force_insert=True)
        tally.add(1, vote.choice, vote.standing)
        change = "cast"
    if change != "unchanged":
        tally.save()
    waits = vote if vote and vote.standing == Standing.QUARANTINED else None
    return Cast(change, before, choice, tally.count, waits)


def release_returning(voter: UUID) -> None:
    """Release the votes that wait because their voter had no cookie, now that it has come back.

    Each is screened once more, because the other rules may hold it.
    """
    waiting = Vote.objects.filter(
        voter=voter, standing=Standing.QUARANTINED, suspicion=Suspicion.COOKIE
    )
    for pk, tool_id in waiting.values_list("pk", "tool_id"):
        with transaction.atomic():
            tally = lock_tally(tool_id)
            vote = waiting.filter(pk=pk).first()
            if vote is None:  # decided meanwhile
                continue
            tally.add(-1, vote.choice, vote.standing)
            vote.standing, vote.without_cookie = Standing.COUNTED, False
            _screen(vote, tally)
            vote.save(update_fields=["standing", "suspicion", "without_cookie"])
            tally.add(1, vote.choice, vote.standing)
            tally.save()


@transaction.atomic
def release_vote(vote: Vote) -> Count:
    """Count a vote if it still waits, and return what its tool's votes add up to."""
    tally = lock_tally(vote.tool_id)
    waiting = Vote.objects.filter(pk=vote.pk, standing=Standing.QUARANTINED).first()
    if waiting:
        tally.add(-1, waiting.choice, waiting.standing)
        waiting.standing = Standing.COUNTED
        waiting.save(update_fields=["standing"])
        tally.add(1, waiting.choice, waiting.standing)
        tally.save()
    return tally.count


def lock_tally(tool_id: int) -> Tally:
    """Return a tool's tally, locked until the transaction ends.

    Whatever changes votes takes this lock first, and one tool's at a time, so nobody can wait for
    somebody who waits for them.
    """
    return Tally.objects.select_for_update(no_key=True).get(pk=tool_id)


def _lock_public_tally(tool_id: int) -> Tally:
    public = Tally.objects.filter(is_published(prefix="tool__"), pk=tool_id)
    tally = public.select_for_update(of=("self",), no_key=True).first()
    if tally is None:  # nobody has voted on it yet, or nobody may
        Tool.objects.published().only("pk").get(pk=tool_id)
        Tally.objects.bulk_create([Tally(tool_id=tool_id)], ignore_conflicts=True)
        tally = lock_tally(tool_id)
    return tally


def _screen(vote: Vote, tally: Tally) -> None:
    found = suspicion_of(
        vote,
        vote.choice,
        Vote.objects.filter(tool=vote.tool_id),
        {Verdict.SHIP: tally.ships, Verdict.SKIP: tally.skips},
    )
    if found:
        vote.standing, vote.suspicion = Standing.QUARANTINED, found
