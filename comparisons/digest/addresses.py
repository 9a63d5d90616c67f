"""Email addresses: which ones we take, in which form, and what stands for one that we forget."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac
from email_validator import EmailNotValidError, validate_email

#: The longest address that a mail can be sent to (RFC 5321, 4.5.3.1.3, less its two brackets).
MAX_LENGTH = 254
REFUSED = "This is not an email address that we can write to: {} Look for a typing error."


def normal_address(text: str) -> str:
    """Return an address in the one form in which it is kept: lower case, the domain in ASCII.

    Raises ValidationError, with a sentence for whoever typed it, for anything that no server could
    be handed with plain SMTP: line ends, spaces, two at signs, letters beyond ASCII before the at
    sign (which need RFC 6531), reserved domains. Nothing is looked up in the DNS.
    """
    text = text.strip()
    # The library quotes what it was given; a sentence with thousands of characters helps nobody.
    if len(text) > MAX_LENGTH:
        raise ValidationError(
            f"It has {len(text)} characters, and an address has {MAX_LENGTH} at most.",
            code="address",
        )
    try:
        found = validate_email(
            text,
            allow_smtputf8=False,
            strict=True,  # 64 characters before the at sign, as RFC 5321, 4.5.3.1.1 has it
            check_deliverability=False,
            test_environment=settings.DIGEST_TEST_ADDRESSES,
        )
    except EmailNotValidError as error:
        raise ValidationError(REFUSED.format(error), code="address") from None
    # `ascii_email` is there because SMTPUTF8 is not allowed.
    return str(found.ascii_email).lower()


def fingerprint(address: str) -> bytes:
    """Return the keyed hash, 32 bytes, that stands for a normal address when it is forgotten.

    Without the key nobody can try addresses out against a stolen table of them.
    """
    return fingerprints(address)[0]


def fingerprints(address: str) -> list[bytes]:
    """Return an address's keyed hashes under the present key and under every earlier one.

    What is suppressed stays so when an operator changes SECRET_KEY and keeps the old one among
    SECRET_KEY_FALLBACKS.
    """
    return [
        salted_hmac("digest.addresses", address, secret=key, algorithm="sha256").digest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def masked(address: str) -> str:
    """Return an address as logs may hold it: `a…@example.org`."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}…@{domain}"
