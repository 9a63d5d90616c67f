"""When the database is away: a designed 503, and no restart of ours when it is back."""

import logging
import sys
import threading
import time
from collections.abc import Callable

from django.db import Error, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tools.posting import wants_json

logger = logging.getLogger(__name__)

#: When to try again, in seconds. A restart of Postgres takes about as long.
RETRY_AFTER = 10
#: How often the log says that the database is away, in seconds.
TOLD_EVERY = 5.0
SENTENCE = "The site’s database does not answer. Try again in a moment."

#: SQLSTATE classes and codes of a server that is starting, stopping, full of connections, or has
#: become somebody else's replica (PostgreSQL, appendix A).
_AWAY = ("08", "57P", "53300", "25006")
#: What stands in programs, where nobody would see a page.
_DATA = (".md", ".txt", ".xml", ".svg", ".png")

_told_at = -TOLD_EVERY
_mutex = threading.Lock()


class DatabaseAway:
    """A middleware around the views: what they cannot do without the database is a 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer in place of a view that met an error of the database's, not of ours."""
        return answer_for(request, exception)


def answer_for(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:
    """Return the 503 for an error that says that the database cannot answer; None for others.

    A server that is away is told in one line now and then. What is odd, such as a deadlock, may
    pass as well by the next try, but somebody should see where it came from.
    """
    if not isinstance(exception, Error):
        return None
    away = is_away(exception)
    if not away and not isinstance(exception, OperationalError | InterfaceError):
        return None
    if away:
        _tell(exception)
    else:
        logger.error("The database gave up on a request", exc_info=exception)
    return unavailable(request)


def is_away(error: Error) -> bool:
    """Whether the error is that of a database that cannot be reached, or not for now."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state is None:
        # Only what never came to an answer has no state: connections that break or never were.
        return isinstance(error, OperationalError | InterfaceError)
    return str(state).startswith(_AWAY)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503 in the form that was asked for, without a look at the database."""
    answer: HttpResponse
    if request.path.endswith(".json") or wants_json(request):
        answer = JsonResponse({"error": SENTENCE}, status=503)
    elif request.path.endswith(_DATA) or request.path.startswith("/feeds/"):
        answer = HttpResponse(f"{SENTENCE}\n", content_type="text/plain; charset=utf-8", status=503)
    else:
        is_form = request.method not in ("GET", "HEAD")
        answer = render(request, "errors/503.html", {"is_form": is_form}, status=503)
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def answer_for_current(request: HttpRequest) -> HttpResponse | None:
    """Return the 503 where what is being handled came from the database, for other middleware."""
    return answer_for(request, sys.exc_info()[1])


def _tell(error: Error) -> None:
    global _told_at
    with _mutex:
        now = time.monotonic()
        if now - _told_at < TOLD_EVERY:
            return
        _told_at = now
    logger.error("The database is away, readers get a 503: %s", str(error).partition("\n")[0])
