"""Where a request came from, kept only as a hash under a key that is thrown away the next day."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.db import transaction

from .votes import AddressKey

#: How much of an IPv6 address names a household or an office (RFC 6177); the rest is theirs to
#: change at will.
IPV6_PREFIX = 64


def address_hash(meta: Mapping[str, Any]) -> bytes:
    """Return the hash of a request's client address, 16 bytes, comparable within a day (UTC)."""
    digest = hmac.digest(_key_of_the_day(), client_address(meta).encode(), "sha256")
    return digest[:16]


def client_address(meta: Mapping[str, Any]) -> str:
    """Return the client's address, of IPv6 its network; empty when it cannot be read.

    Each of our own proxies (PROXY_COUNT) adds the address that it was asked from to the right of
    X-Forwarded-For, so that many from the right is the client. What stands further left is what
    the client claims. A header that is too short did not come through our proxies.
    """
    header = str(meta.get("HTTP_X_FORWARDED_FOR", ""))
    hops = header.split(",") if header else []
    count = settings.PROXY_COUNT
    told = hops[-count] if 0 < count <= len(hops) else str(meta.get("REMOTE_ADDR", ""))
    try:
        address: IPv4Address | IPv6Address | None = ip_address(told.strip())
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)


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
