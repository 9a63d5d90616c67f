"""Deleting what is past its time; `retention` says when that is."""

from datetime import UTC, datetime

from django.contrib.sessions.backends.db import SessionStore

from .client_addresses import forget_past_keys
from .duels import Duel
from .retention import ADDRESS_HASH
from .votes import Vote


def purge(now: datetime | None = None) -> tuple[int, int]:
    """Delete past keys and old address hashes, and return how many of each.

    Sessions of editors that have ended go too.
    """
    old = (now or datetime.now(UTC)) - ADDRESS_HASH
    hashes = sum(
        kind.objects.filter(address__isnull=False, cast_at__lt=old).update(address=None)
        for kind in (Vote, Duel)
    )
    SessionStore.clear_expired()
    return forget_past_keys(), hashes
