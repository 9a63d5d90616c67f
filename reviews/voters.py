"""Who votes: a random number in a signed cookie, which only a vote sets. There are no accounts."""

import secrets
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .retention import VOTER_COOKIE

COOKIE = "voter"
#: Keeps other signed values of this site from passing for a voter.
SALT = "reviews.voters"


def new_voter() -> UUID:
    """Return a voter whom nobody can guess: 128 random bits."""
    return UUID(bytes=secrets.token_bytes(16))


def voter_of(request: HttpRequest) -> UUID | None:
    """Return the voter whose cookie came along; None without one, and for one that is not ours."""
    value = request.get_signed_cookie(COOKIE, None, salt=SALT, max_age=VOTER_COOKIE)
    return UUID(value) if value else None


def remember(response: HttpResponse, voter: UUID) -> None:
    """Give the browser the voter's cookie, out of reach of scripts and of other sites."""
    response.set_signed_cookie(
        COOKIE,
        voter.hex,
        salt=SALT,
        max_age=VOTER_COOKIE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
