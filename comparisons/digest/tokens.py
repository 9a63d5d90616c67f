"""Signed tokens: who may confirm, leave or change what. Each carries its purpose in its salt."""

from datetime import timedelta
from enum import Enum

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, Signer, TimestampSigner
from django.urls import reverse

#: For how long the link in a confirm mail works.
CONFIRM_AGE = timedelta(days=7)
#: The longest token; a longer one is none of ours.
MAX_LENGTH = 200


class Purpose(Enum):
    """What a token is good for; a token of one purpose is worthless for another."""

    CONFIRM = "confirm"
    LEAVE = "leave"
    PREFERENCES = "preferences"


class BadTokenError(Exception):
    """Not a token of ours for this purpose, or one that was cut off."""


class ExpiredTokenError(BadTokenError):
    """A token that was good once."""


def token_for(purpose: Purpose, subscriber: int) -> str:
    """Return the token by which a subscriber, named by key, may do one thing.

    Only that of a confirm mail expires. Tokens survive a change of SECRET_KEY when the old one is
    kept among SECRET_KEY_FALLBACKS.
    """
    return _signer(purpose).sign(str(subscriber))


def subscriber_of(purpose: Purpose, token: str) -> int:
    """Return the key of the subscriber whose token this is.

    Raises BadTokenError for anything else, and ExpiredTokenError for a link that came too late.
    """
    signer = _signer(purpose)
    try:
        if len(token) > MAX_LENGTH:
            raise BadSignature
        if isinstance(signer, TimestampSigner):
            return int(signer.unsign(token, max_age=CONFIRM_AGE))
        return int(signer.unsign(token))
    except SignatureExpired as error:
        raise ExpiredTokenError from error
    except (BadSignature, ValueError) as error:
        raise BadTokenError from error


def link_for(purpose: Purpose, subscriber: int) -> str:
    """Return the absolute address at which a subscriber may do one thing."""
    return settings.SITE_URL + reverse(
        f"digest-{purpose.value}", args=[token_for(purpose, subscriber)]
    )


def _signer(purpose: Purpose) -> Signer:
    # A dot needs no escaping in an address, and none in quoted-printable.
    kind = TimestampSigner if purpose == Purpose.CONFIRM else Signer
    return kind(sep=".", salt=f"digest.{purpose.value}", algorithm="sha256")
