"""Where a request came from, kept only as a hash under a key that is thrown away the next day."""

import hmac
import secrets
from datetime import UTC, datetime

from django.db import transaction
from django.http import HttpRequest

from tools.clients import client_address

from .votes import AddressKey


def address_hash(request: HttpRequest) -> bytes | None:
    """Return the hash of a client's address, 16 bytes, comparable within a day (UTC).

    None where the address is unknown: strangers must not be taken for one household.
    """
    address = client_address(request)
    if address is None:
        return None
    return hmac.digest(_key_of_the_day(), address.encode(), "sha256")[:16]


def forget_past_keys() -> int:
    """Delete the keys of the days that are over, and say how many there were."""
    return AddressKey.objects.filter(day__lt=datetime.now(UTC).date()).delete()[0]


def _key_of_the_day() -> bytes:
    """Return today's key; the first who asks on a day makes it, and throws the old ones away."""
    with transaction.atomic():
        row, is_new = AddressKey.objects.get_or_create(
            day=datetime.now(UTC).date(), defaults={"key": secrets.token_bytes(32)}
        )
        if is_new:
            forget_past_keys()
    return bytes(row.key)
