"""Deciding on votes after they were cast: releasing them into the tally, or rejecting them."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from tools.models import Tool

from .tallying import recount
from .votes import Ruling, Standing, Suspicion, Vote
from .voting import lock_tally

PERMISSION = "reviews.moderate_vote"


def release(votes: QuerySet[Vote], *, by: Any = None, reason: str = "") -> int:
    """Count these votes, and say how many were not counted before; see `_rule`."""
    return _rule(votes, Standing.COUNTED, by, reason)


def reject(votes: QuerySet[Vote], *, by: Any = None, reason: str = "") -> int:
    """Never count these votes, and say how many were not rejected before; see `_rule`."""
    return _rule(votes, Standing.REJECTED, by, reason)


def _rule(votes: QuerySet[Vote], standing: Standing, by: Any, reason: str) -> int:
    """Give votes a standing, tool by tool, and write down who did that and why.

    Each tool is one transaction, so an interruption leaves whole tools decided. `by` is the user,
    None for the nightly rule. Raises PermissionDenied when the user may not.
    """
    if by is not None and not by.has_perm(PERMISSION):
        raise PermissionDenied(f"{by} may not release or reject votes.")
    undecided = votes.exclude(standing=standing).order_by()
    return sum(
        _rule_on_tool(undecided.filter(tool=tool_id), tool_id, standing, by, reason)
        for tool_id in sorted(set(undecided.values_list("tool_id", flat=True).distinct()))
    )


@transaction.atomic
def _rule_on_tool(
    votes: QuerySet[Vote], tool_id: int, standing: Standing, by: Any, reason: str
) -> int:
    tally = lock_tally(tool_id)
    # The rows are fixed first, because what chose them may be what changes.
    chosen = Vote.objects.filter(pk__in=list(votes.values_list("pk", flat=True)))
    if standing == Standing.REJECTED:
        chosen.filter(suspicion="").update(suspicion=Suspicion.EDITOR)
    changed = chosen.update(standing=standing)
    if changed:
        recount(tally)
        Ruling.objects.create(
            subject=Tool.objects.values_list("name", flat=True).get(pk=tool_id),
            standing=standing,
            votes=changed,
            reason=reason,
            by=by.get_username() if by else "",
        )
    return changed
