"""Whom we answer, as far as our own proxies can be believed."""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return whom we answer, or None where the connection does not tell (a Unix socket).

    That is the last address that none of our PROXY_COUNT proxies has added to X-Forwarded-For;
    what stands before it may be made up. Of an IPv6 address it is the network, its first 64 bits,
    in which a client may choose any address.
    """
    told = request.META.get("REMOTE_ADDR", "")
    if count := settings.PROXY_COUNT:
        chain = request.headers.get("X-Forwarded-For", "").split(",")
        # A shorter chain did not come through all of them.
        told = chain[-count] if len(chain) >= count else told
    for candidate in (told, request.META.get("REMOTE_ADDR", "")):
        try:
            address = ip_address(candidate.strip())
        except ValueError:
            continue
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            return str(IPv6Address(int(address) >> 64 << 64))
        return str(address)
    return None
