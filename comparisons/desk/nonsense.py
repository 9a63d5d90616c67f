"""Addresses of the desk that nobody's page leads to: told so, instead of failing."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import BadRequest
from django.db import DataError, ProgrammingError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def refusing_nonsense(view: View) -> View:
    """Return a view of the admin that answers 400 to a query that no column can be asked.

    Django looks whether a list may be filtered by a column, but not whether the column can be
    compared with what is asked for: a number that is too large, a word for a binary one, a NUL.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (DataError, ProgrammingError, OverflowError) as error:
            if request.GET and request.method in ("GET", "HEAD"):
                raise BadRequest("Postgres cannot be asked for this.") from error
            raise

    return answer
