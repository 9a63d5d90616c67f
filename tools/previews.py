"""Showing a page before its time, by a signed link that expires: no account is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps

from django.core import signing
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from .reading import up_to_date
from .status import Publishable, Status

#: For how long a link shows something.
PREVIEW_AGE = timedelta(days=7)


class PreviewEnded(Http404):
    """A link that shows nothing, or nothing any more; the 404 page says so."""

    explanation = (
        "This preview link has expired, or a part of it is missing. "
        "Ask whoever sent it to you for a new one."
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a page says of itself while it is shown before its time."""

    address: str
    until: datetime


def previewable(row: Publishable) -> bool:
    """Whether a preview shows it: everything but what was withdrawn."""
    return row.stage != Status.WITHDRAWN


def sign(row: Publishable) -> str:
    """Return the token of a link to this row and to no other."""
    return _signer(type(row)).sign(str(row.pk))


def opened(kind: type[Publishable], token: str, address: str) -> tuple[int, Preview]:
    """Return the key of the row that a token opens, and until when it does.

    `address` is the page's own. Raises PreviewEnded for a token that is too old, forged, cut off
    or made for another kind of page.
    """
    try:
        key = _signer(kind).unsign(token, max_age=PREVIEW_AGE)
    except signing.BadSignature as error:
        raise PreviewEnded(str(error)) from error
    signed_at = signing.b62_decode(token.split(":")[1])
    return int(key), Preview(address, datetime.fromtimestamp(signed_at, UTC) + PREVIEW_AGE)


def unlisted(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return a view whose answers nobody keeps, lists or tells other sites the address of.

    That a preview has ended is answered here, so that nobody keeps that either.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except PreviewEnded as error:
            context = {"wanted": "", "explanation": error.explanation, "suggestions": []}
            response = render(request, "errors/404.html", context, status=404)
        response.headers["Cache-Control"] = "no-store, private"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return up_to_date(wrapped)


def _signer(kind: type[Publishable]) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"preview.{kind._meta.label_lower}")
