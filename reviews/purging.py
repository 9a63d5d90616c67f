"""Deleting what is past its time; `retention` says when that is."""

from datetime import UTC, datetime

from .client_addresses import forget_past_keys
from .retention import ADDRESS_HASH
from .votes import Vote


def purge(now: datetime | None = None) -> tuple[int, int]:
    """Delete past keys and old address hashes, and return how many of each."""
    old = (now or datetime.now(UTC)) - ADDRESS_HASH
    hashes = Vote.objects.filter(address__isnull=False, cast_at__lt=old).update(address=None)
    return forget_past_keys(), hashes
