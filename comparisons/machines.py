"""What other programs and other sites fetch: data, pictures, cards, and the guide to them."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.clickjacking import xframe_options_exempt

from reviews.models import Panel
from tools.addresses import UnknownName, moved, nearest_tools
from tools.models import Category, Tool
from tools.offering import MAX_AGE, nothing_here, offer, offer_text, opened
from tools.slugs import VERSUS

from .answers import answer
from .indexing import lacks
from .lineups import MOST, Lineup, find_lineup
from .models import Comparison
from .pictures import Picture, picture_of_pair, picture_of_site, picture_of_tool
from .twins import comparison_data, tool_data

View = Callable[..., HttpResponseBase]


class ToolAgainstItselfError(Exception):
    """Both names of a comparison are the same tool's."""


def llms(request: HttpRequest) -> HttpResponseBase:
    """Tell language models what the site is and where its plain texts are (llmstxt.org)."""
    context = {
        "comparisons": Comparison.objects.indexable().newest().for_cards()[:20],
        "tools": [panel.tool for panel in Panel.objects.public().newest()[:20]],
        "categories": Category.objects.with_counts()[:20],
    }
    return offer_text(request, "text/plain", render_to_string("llms.txt", context))


def _named(slug: str, tools: Any) -> Any:
    """Return the tool of this slug among `tools`, or raise with the nearest names."""
    found = tools.filter(slug=slug.lower()).first() if len(slug) <= 80 else None
    if found is None:
        raise UnknownName(slug, [])
    return found


def _lineup(slugs: str, most: int = MOST) -> Lineup:
    """Return the tools that an address names, at most `most`, as the page finds them."""
    names = slugs.lower().split(VERSUS)
    if len(names) < 2 or not all(names):
        raise UnknownName(slugs, [])
    names = list(dict.fromkeys(names))
    if len(names) == 1:
        raise ToolAgainstItselfError(names[0])
    if len(names) > most:
        raise UnknownName(slugs, [])
    lineup = find_lineup(names)
    if isinstance(lineup, list):
        raise UnknownName(next(name for name in names if name not in lineup), [])
    return lineup


def _slugs(lineup: Lineup) -> str:
    return VERSUS.join(side.slug for side in lineup.sides)


def _plainly(view: View) -> View:
    """Answer what is not there in a sentence instead of a page, and a tool against itself so too.

    These addresses stand in programs and in `<img>`, where nobody would see a page.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, **names: str) -> HttpResponseBase:
        try:
            return view(request, **names)
        except UnknownName as error:
            return nothing_here(f"No published tool is called “{error.wanted[:80]}”.")
        except ToolAgainstItselfError:
            return nothing_here("A tool is not compared with itself.")

    return wrapped


# Twins: a tool or a comparison at its own address, as JSON or Markdown


def _twin(view: View) -> View:
    """Answer what is not there in the twin's own language, with the nearest names."""

    @wraps(view)
    def wrapped(request: HttpRequest, **names: str) -> HttpResponseBase:
        try:
            return view(request, **names)
        except ToolAgainstItselfError as error:
            ending = request.path.rpartition(".")[2]
            return HttpResponsePermanentRedirect(reverse(f"tool-{ending}", args=[str(error)]))
        except UnknownName as error:
            sentence = f"No published tool is called “{error.wanted[:80]}”."
            nearest = [slug for slug, _ in nearest_tools(error.wanted)]
            if request.path.endswith(".md"):
                hint = f" Did you mean {', '.join(nearest)}?" if nearest else ""
                return nothing_here(sentence + hint)
            return opened(_json({"error": sentence, "nearest": nearest}, status=404))

    return wrapped


def _json(data: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(_dump(data), content_type="application/json", status=status)


def _dump(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


@_twin
def tool_json(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Return a tool as JSON."""
    data = _tool(slug)
    return moved(request, reverse("tool-json", args=[data["slug"]])) or offer_text(
        request, "application/json", _dump(data)
    )


@_twin
def tool_markdown(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Return a tool as Markdown."""
    data = _tool(slug)
    return moved(request, reverse("tool-md", args=[data["slug"]])) or offer_text(
        request, "text/markdown", render_to_string("comparisons/tool.md", {"tool": data})
    )


@_twin
def comparison_json(request: HttpRequest, slugs: str) -> HttpResponseBase:
    """Return a comparison as JSON."""
    lineup = _lineup(slugs)
    return moved(request, reverse("comparison-json", args=[_slugs(lineup)])) or offer_text(
        request, "application/json", _dump(_comparison(lineup))
    )


@_twin
def comparison_markdown(request: HttpRequest, slugs: str) -> HttpResponseBase:
    """Return a comparison as Markdown."""
    lineup = _lineup(slugs)
    if elsewhere := moved(request, reverse("comparison-md", args=[_slugs(lineup)])):
        return elsewhere
    context = {"comparison": _comparison(lineup)}
    text = render_to_string("comparisons/comparison.md", context)
    return offer_text(request, "text/markdown", text)


def _tool(slug: str) -> dict[str, Any]:
    return tool_data(_named(slug, Tool.objects.published().for_page()))


def _comparison(lineup: Lineup) -> dict[str, Any]:
    """Return a line-up as data: what its page fetches, and the texts as they were written."""
    slugs = [side.slug for side in lineup.sides]
    tools = Tool.objects.published().for_page().in_bulk(slugs, field_name="slug")
    if len(tools) < len(slugs):  # withdrawn between two queries
        raise UnknownName(next(slug for slug in slugs if slug not in tools), [])
    summary = ""
    if lineup.summary_html:
        written = Comparison.objects.published().filter(left__slug=slugs[0], right__slug=slugs[1])
        summary = written.values_list("summary", flat=True).first() or ""
    return comparison_data(
        [tools[slug] for slug in slugs],
        reverse("comparison", args=[_slugs(lineup)]),
        answer(*lineup.sides),
        summary,
        indexable=not lacks(lineup.sides, lineup.summary_html),
    )


# Pictures


def _show(request: HttpRequest, picture: Picture) -> HttpResponseBase:
    return offer(request, "image/png", picture.version, picture.png)


def site_picture(request: HttpRequest) -> HttpResponseBase:
    """Return the picture that pages without one of their own are shared with."""
    return _show(request, picture_of_site())


@_plainly
def tool_picture(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Return the picture that a tool's page is shared with."""
    tool = _named(slug, Tool.objects.published().with_reviews())
    return moved(request, reverse("tool-picture", args=[tool.slug])) or _show(
        request, picture_of_tool(tool)
    )


@_plainly
def comparison_picture(request: HttpRequest, slugs: str) -> HttpResponseBase:
    """Return the picture that a comparison is shared with."""
    pair = _lineup(slugs, most=2)
    return moved(request, reverse("comparison-picture", args=[_slugs(pair)])) or _show(
        request, picture_of_pair(pair)
    )


# The card for other people's pages


@_plainly
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # hinted for a request alone
def card(request: HttpRequest, slugs: str) -> HttpResponseBase:
    """Return a comparison as a card that any page may show in a frame. It needs no JavaScript."""
    pair = _lineup(slugs, most=2)
    if elsewhere := moved(request, reverse("card", args=[_slugs(pair)])):
        return elsewhere
    context = {
        "pair": pair,
        "answer": answer(*pair.sides),
        "address": settings.SITE_URL + reverse("comparison", args=[_slugs(pair)]),
    }
    response = render(request, "comparisons/card.html", context)
    response["X-Robots-Tag"] = "noindex"
    patch_cache_control(response, public=True, max_age=MAX_AGE)
    return opened(response)
