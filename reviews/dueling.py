"""Choosing between two tools: the one write, with the promises of `voting.cast_vote`."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from tools.models import Tool

from .duels import Choice, Duel, DuelTally
from .screening import is_full
from .tallies import DuelCount
from .votes import Standing
from .voting import Change, settle


@dataclass(frozen=True, slots=True)
class DuelCast:
    """What choosing has done."""

    change: Change
    #: What the voter said before, and what they say now; None for nothing.
    before: Choice | None
    choice: Choice | None
    #: Left is the tool with the smaller id.
    count: DuelCount
    #: The duel, as long as it waits in quarantine.
    quarantined: Duel | None = None


@transaction.atomic
def cast_duel(
    left_id: int,
    right_id: int,
    voter: UUID,
    choice: Choice | None,
    *,
    address: bytes | None = None,
    without_cookie: bool = False,
) -> DuelCast:
    """Cast, change or retract (`choice` is None) a voter's choice between two tools.

    The smaller id is the left one: the database refuses the other order. `address` and
    `without_cookie` are those of `cast_vote`, and so are the rules.

    Raises Tool.DoesNotExist when readers may not see both tools, unless the voter takes back a
    choice.
    """
    mine = Duel.objects.filter(tally__left=left_id, tally__right=right_id, voter=voter)
    takes_back = choice is None and mine.exists()
    if not takes_back and Tool.objects.published().filter(pk__in=(left_id, right_id)).count() < 2:
        raise Tool.DoesNotExist
    tally = _lock_tally(left_id, right_id, is_stored=choice is not None and not is_full(address))
    if tally is None:
        return DuelCast("cast" if choice else "unchanged", None, choice, DuelCount())
    new = Duel(tally=tally, voter=voter, address=address, without_cookie=without_cookie)
    change, before, duel = settle(tally, new, choice)
    waits = duel if duel and duel.standing == Standing.QUARANTINED else None
    return DuelCast(change, Choice(before) if before else None, choice, tally.count, waits)


def _lock_tally(left_id: int, right_id: int, *, is_stored: bool) -> DuelTally | None:
    """Return the tally of a pair, locked; None where there is none and nothing to store in it."""
    tallies = DuelTally.objects.select_for_update(no_key=True)
    tally = tallies.filter(left=left_id, right=right_id).first()
    if tally is None and is_stored:  # nobody has chosen between them yet
        new = DuelTally(left_id=left_id, right_id=right_id)
        DuelTally.objects.bulk_create([new], ignore_conflicts=True)
        tally = tallies.get(left=left_id, right=right_id)
    return tally
