"""An edition in the archive: what stood in the mail, byte for byte."""

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape

from csp.decorators import csp_update
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from tools.addresses import moved
from tools.offering import offer_text
from tools.structured_data import breadcrumb

from .content import Content, summary
from .models import Edition
from .rendering import period_of

_STYLE = re.compile(r'\sstyle="([^"]*)"')


def edition(request: HttpRequest, week: str) -> HttpResponseBase:
    """Show an edition that went out, with its neighbours."""
    found = _found(week)
    address = reverse("edition", args=[found.week.lower()])
    if elsewhere := moved(request, address):
        return elsewhere
    public = Edition.objects.public().only("week", "subject")
    context = {
        "edition": found,
        "period": period_of(found),
        "summary": summary(Content.from_json(found.content)),
        "previous": public.filter(week__lt=found.week).first(),
        "next": public.filter(week__gt=found.week).last(),
        "structured_data": [
            breadcrumb(("Weekly digest", reverse("digest")), (found.week, address))
        ],
    }
    allowed = csp_update({"style-src-attr": style_sources(found.html)})
    answer = allowed(lambda request: render(request, "digest/edition.html", context))
    return answer(request)


def edition_text(request: HttpRequest, week: str) -> HttpResponseBase:
    """Show the text of an edition that went out."""
    found = _found(week)
    address = reverse("edition-text", args=[found.week.lower()])
    return moved(request, address) or offer_text(request, "text/plain", found.text)


def style_sources(html: str) -> list[str]:
    """Return what a Content-Security-Policy has to allow for the style attributes in a text.

    Only these very attributes, by their hashes (CSP level 3, 'unsafe-hashes'); a style that
    somebody manages to smuggle in is as dead as everywhere else on the site.
    """
    styles = sorted({unescape(style) for style in _STYLE.findall(html)})
    hashes = (b64encode(sha256(style.encode()).digest()).decode() for style in styles)
    return ["'unsafe-hashes'", *(f"'sha256-{code}'" for code in hashes)] if styles else ["'none'"]


def _found(week: str) -> Edition:
    """Return the public edition of a week; Http404 where there is none."""
    found = Edition.objects.public().filter(week=week.upper()).first() if len(week) == 8 else None
    if found is None:
        raise Http404("There was no edition in this week.")
    return found
