"""One address for each page: helpers for the views and URL lists of every room."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from rapidfuzz import fuzz, process

from .models import Tool
from .reading import anywhere
from .slugs import MAX_LENGTH

View = Callable[..., HttpResponseBase]

#: Nearest names are looked up in a list that may be this old, in seconds.
NAMES_MAX_AGE = 60
#: For how long, in seconds, a page goes on that cannot be made anew because of a fault of ours.
STALE_IF_ERROR = 24 * 3600
#: How alike (0 to 100, rapidfuzz's weighted ratio) a name must be to be offered.
LIKENESS = 65


class NameConverter(StringConverter):
    """A name in an address: anything that Postgres can be asked for, so all but a NUL."""

    regex = r"[^/\x00]+"


register_converter(NameConverter, "name")


def public(view: View) -> View:
    """Return a view that only reads, the same for everybody: its pages are kept by every cache.

    Any method but GET and HEAD is a 405. Nothing is written, so there is nothing that a CSRF token
    would protect; without the exemption a POST would be a 403 before the view could say 405.
    A view that says itself who may keep its answers is left to say so.
    """

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code in (200, 301) and "Cache-Control" not in response:
            response["Cache-Control"], response["CDN-Cache-Control"] = _cache_policies()
        return response

    answer: Any = csrf_exempt(require_safe(kept))
    answer.is_public = True
    return anywhere(answer)


def _cache_policies() -> tuple[str, str]:
    """Return what pages say to browsers and proxies, and what to CDNs (RFC 9213).

    A browser asks each time whether its page is still the newest. A shared cache need not for a
    quarter of PAGE_MAX_AGE, and for another quarter may show it while it asks; the page cache has
    spent the other half (`shiporskip.page_cache`). `must-revalidate` is what keeps browsers from
    doing as caches do; CDNs that take it to heart have a header of their own.
    """
    quarter = settings.PAGE_MAX_AGE // 4
    later = f"stale-while-revalidate={quarter}, stale-if-error={STALE_IF_ERROR}"
    return (
        f"public, max-age=0, must-revalidate, s-maxage={quarter}, {later}",
        f"public, max-age={quarter}, {later}",
    )


def page(route: str, view: View, name: str) -> list[URLPattern]:
    """Return the patterns of a public page with a name in its address, with and without a slash.

    The view itself answers the address without a slash, so that one redirect mends everything
    that is wrong with an address at once.
    """
    return [path(f"{route}/", public(view), name=name), path(route, public(view))]


def moved(request: HttpRequest, address: str) -> HttpResponsePermanentRedirect | None:
    """Return the redirect to a page's one address, or None when the request is there already."""
    if request.path == address:
        return None
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{address}?{query}" if query else address)


@dataclass(frozen=True)
class Suggestion:
    """A page that a reader may have meant."""

    title: str
    address: str


class UnknownName(Http404):
    """A name in an address that stands for nothing; the 404 page offers the nearest ones."""

    def __init__(self, wanted: str, suggestions: list[Suggestion]) -> None:
        super().__init__(wanted)
        self.wanted = wanted
        self.suggestions = suggestions


def published_names() -> dict[str, str]:
    """Return the name of every published tool by its slug; it may be NAMES_MAX_AGE old."""
    return cache.get_or_set(  # type: ignore[return-value]
        "tools.names",
        lambda: dict(Tool.objects.published().values_list("slug", "name")),
        NAMES_MAX_AGE,
    )


def nearest_tools(wanted: str, limit: int = 5) -> list[tuple[str, str]]:
    """Return (slug, name) of the published tools whose slug or name is most like `wanted`."""
    names = published_names()
    likeness: dict[str, float] = {}
    asked = wanted[:MAX_LENGTH].lower()
    for choices in ({slug: slug for slug in names}, {slug: names[slug].lower() for slug in names}):
        for _, score, slug in process.extract(
            asked, choices, scorer=fuzz.WRatio, limit=limit, score_cutoff=LIKENESS
        ):
            likeness[slug] = max(score, likeness.get(slug, 0))
    best = sorted(likeness, key=lambda slug: (-likeness[slug], slug))[:limit]
    return [(slug, names[slug]) for slug in best]
