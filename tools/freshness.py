"""Showing writers at once what they wrote, past every cache that keeps pages for readers."""

from math import ceil

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

#: The cookie that leads past them; proxies look for its name (shiporskip/nginx.conf).
COOKIE = "fresh"
#: So many seconds a replica may be further behind than DATABASE_REPLICA_LAG before it is noticed.
REPLICA_SPAN = 5


def lasts() -> int:
    """Return for how many seconds others may see what is older than what was just written."""
    if not settings.REPLICAS:
        return int(settings.PAGE_MAX_AGE)
    return max(settings.PAGE_MAX_AGE, ceil(settings.DATABASE_REPLICA_LAG) + REPLICA_SPAN)


def show_writer(response: HttpResponseBase) -> None:
    """Have this browser see pages as they are now, for as long as others may see older ones.

    It holds nothing that tells one writer from another.
    """
    if lasts():
        response.set_cookie(
            COOKIE,
            "1",
            max_age=lasts(),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def has_just_written(request: HttpRequest) -> bool:
    """Whether the request comes from a browser that has just written something."""
    return COOKIE in request.COOKIES
