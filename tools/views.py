"""Pages about facts: tools, categories, and what a reader has saved."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from .addresses import Suggestion, UnknownName, moved, nearest_tools
from .alternatives import alternatives_to
from .charts import price_history
from .filters import Filters, Sort
from .models import Category, Tool
from .paging import paginate
from .previews import PreviewEnded, opened, unlisted
from .slugs import SHAPE
from .structured_data import category_page, tool_list, tool_page

#: How many of a tool's comparisons its page names.
COMPARISONS = 12
#: How many saved tools are shown; a browser that asks for more gets the first ones.
MAX_BOOKMARKS = 60
#: Of how many tools a category's first page shows what readers' duels say.
READERS_CHOICE = 10


def tools(request: HttpRequest) -> HttpResponse:
    """List the tools, with filters that live in the query string."""
    filters = Filters.read(request.GET)
    facets = filters.facets()
    listing = paginate(request, filters.apply().for_cards(), facets.total)
    context = {
        "listing": listing,
        "filters": filters,
        "facets": facets,
        "sorts": Sort,
        "structured_data": tool_list(listing.items),
    }
    return render(request, "tools/index.html", context)


def tool(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show one tool: its panel with every argument, its plans, and what it is compared with."""
    found: Any = Tool.objects.published().for_page().filter(slug=slug.lower()).first()
    if found is None:
        suggestions = [
            Suggestion(name, reverse("tool", args=[near])) for near, name in nearest_tools(slug)
        ]
        raise UnknownName(slug, suggestions)
    context = _about(found) | {"structured_data": tool_page(found, found.scorecard())}
    return moved(request, found.get_absolute_url()) or render(request, "tools/tool.html", context)


@unlisted
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """Show one tool as it will look once everything that waits for it is public."""
    key, shown = opened(Tool, token, request.path)
    found: Any = Tool.objects.foreseen().for_preview().filter(pk=key).first()
    if found is None:
        raise PreviewEnded
    found.foresee_panel()
    return render(request, "tools/tool.html", _about(found) | {"preview": shown})


def _about(found: Tool) -> dict[str, Any]:
    """Return what a tool's page shows; what it is compared with is public in any case."""
    return {
        "tool": found,
        "scorecard": found.scorecard(),
        "prices": price_history(found),
        "comparisons": found.comparisons()[:COMPARISONS],
        "alternatives": alternatives_to(found),
    }


def category(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show the tools of a category, ranked, and on the first page how readers rank them."""
    found = get_object_or_404(Category, slug=slug.lower())
    tools = Tool.objects.published().filter(category=found)
    listing = paginate(request, tools.ranked().for_cards())
    context = {
        "category": found,
        "listing": listing,
        "readers_choice": tools.readers_choice()[:READERS_CHOICE],
        "structured_data": category_page(found, listing.items),
    }
    return moved(request, found.get_absolute_url()) or render(
        request, "tools/category.html", context
    )


def bookmarks(request: HttpRequest) -> HttpResponse:
    """Show the frame of the reader's saved tools, which only their browser knows."""
    return render(request, "tools/bookmarks.html")


def bookmark_cards(request: HttpRequest) -> HttpResponse:
    """Return the cards of the tools that a browser has saved, as a piece of HTML."""
    asked = dict.fromkeys(request.GET.getlist("tool"))
    slugs = [slug for slug in asked if re.fullmatch(SHAPE, slug)][:MAX_BOOKMARKS]
    found = {
        tool.slug: tool for tool in Tool.objects.published().filter(slug__in=slugs).for_cards()
    }
    saved = [found[slug] for slug in slugs if slug in found]
    return render(request, "tools/bookmark_cards.html", {"tools": saved})
