"""Deciding on votes after they were cast: releasing them into the tally, or rejecting them."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from .tallying import recount
from .votes import Ruling, Standing, Suspicion

PERMISSION = "reviews.moderate_vote"
#: So many votes are named in one statement; Postgres takes no more than 65,535 parameters.
BATCH = 10_000


def release(votes: QuerySet[Any], *, by: Any = None, reason: str = "") -> int:
    """Count these votes, and say how many were not counted before; see `_rule`."""
    return _rule(votes, Standing.COUNTED, by, reason)


def reject(votes: QuerySet[Any], *, by: Any = None, reason: str = "") -> int:
    """Never count these votes, and say how many were not rejected before; see `_rule`."""
    return _rule(votes, Standing.REJECTED, by, reason)


def _rule(votes: QuerySet[Any], standing: Standing, by: Any, reason: str) -> int:
    """Give votes or duels a standing, subject by subject, and write down who did that and why.

    Each subject is one transaction, so an interruption leaves whole subjects decided. `by` is the
    user, None for the nightly rule. Raises PermissionDenied when the user may not.
    """
    if by is not None and not by.has_perm(PERMISSION):
        raise PermissionDenied(f"{by} may not release or reject votes.")
    subject = votes.model.SUBJECT
    undecided = votes.exclude(standing=standing).order_by()
    return sum(
        _rule_on_subject(undecided.filter(**{subject: key}), key, standing, by, reason)
        for key in sorted(set(undecided.values_list(subject, flat=True).distinct()))
    )


@transaction.atomic
def _rule_on_subject(
    votes: QuerySet[Any], key: int, standing: Standing, by: Any, reason: str
) -> int:
    kind = votes.model
    tally = kind(**{f"{kind.SUBJECT}_id": key}).lock_tally()
    # The rows are fixed first, because what chose them may be what changes.
    keys = list(votes.values_list("pk", flat=True))
    changed = 0
    for first in range(0, len(keys), BATCH):
        chosen = kind.objects.filter(pk__in=keys[first : first + BATCH])
        if standing == Standing.REJECTED:
            chosen.filter(suspicion="").update(suspicion=Suspicion.EDITOR)
        changed += chosen.update(standing=standing)
    if changed:
        recount(tally)
        Ruling.objects.create(
            subject=tally.subject,
            standing=standing,
            votes=changed,
            reason=reason,
            by=by.get_username() if by else "",
        )
    return changed
