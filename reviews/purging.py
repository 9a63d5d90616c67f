"""Deleting what is past its time; `retention` says when that is."""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from .client_addresses import forget_past_keys
from .duels import Duel
from .retention import ADDRESS_HASH
from .votes import Vote

#: So many votes are written in one transaction, for voters not to wait long.
BATCH = 5000


def purge(now: datetime | None = None) -> tuple[int, int]:
    """Delete past keys and old address hashes, and return how many of each.

    A vote that is being changed at this moment is left for the next time: this never waits for
    anybody who might be waiting for it.
    """
    long_ago = (now or datetime.now(UTC)) - ADDRESS_HASH
    hashes = 0
    for kind in (Vote, Duel):
        old = kind.objects.filter(address__isnull=False, cast_at__lt=long_ago)
        while done := _forget_addresses(old):
            hashes += done
    return forget_past_keys(), hashes


@transaction.atomic
def _forget_addresses(votes: QuerySet[Any]) -> int:
    batch = votes.select_for_update(skip_locked=True, no_key=True)[:BATCH]
    kind = votes.model
    return kind.objects.filter(pk__in=[vote.pk for vote in batch.only("pk")]).update(address=None)
