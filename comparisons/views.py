"""The home page and the comparisons."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from reviews.models import Panel, Revision
from reviews.personas import Persona
from reviews.scorecards import Outcome
from tools.addresses import Suggestion, UnknownName, moved, nearest_tools
from tools.models import Category, Price, Tool
from tools.paging import paginate
from tools.slugs import VERSUS

from .answers import CLEAR_LEAD, answer
from .decision import decision_table
from .indexing import lacks
from .models import Comparison
from .pairs import find_pair, pair_address
from .structured_data import comparison_list, comparison_page


def home(request: HttpRequest) -> HttpResponse:
    """Show what is new: comparisons, verdicts, changes of mind and of price, contested tools."""
    context = {
        "comparisons": Comparison.objects.published().newest().for_cards()[:6],
        "tools": Tool.objects.published().reviewed().newest().for_cards()[:6],
        "reversals": Revision.objects.public().reversals()[:5],
        "price_changes": Price.objects.changes()[:5],
        "contested": [panel.tool for panel in Panel.objects.contested()[:3]],
        "categories": Category.objects.with_counts()[:24],
    }
    return render(request, "comparisons/home.html", context)


def index(request: HttpRequest) -> HttpResponse:
    """List the comparisons that editors wrote, the newest first."""
    comparisons = Comparison.objects.published().newest().for_cards()
    listing = paginate(request, comparisons)
    context = {"listing": listing, "structured_data": comparison_list(listing.items)}
    return render(request, "comparisons/index.html", context)


def comparison(request: HttpRequest, slugs: str) -> HttpResponseBase:
    """Put two tools side by side, at the one address that the pair has."""
    names = slugs.lower().split(VERSUS)
    if len(names) != 2 or not all(names):
        raise Http404(slugs)
    first, second = names
    if first == second:
        return _only(first)
    pair = find_pair(first, second)
    if isinstance(pair, list):
        raise _unknown(names, known=pair)
    address = pair_address(pair.left.slug, pair.right.slug)
    if elsewhere := moved(request, address):
        return elsewhere
    context = {
        "pair": pair,
        "answer": answer(pair.left, pair.right),
        "decision": decision_table(pair),
        "address": address,
        "indexable": not lacks(pair.sides, pair.summary_html),
        "structured_data": comparison_page([side.name for side in pair.sides], address),
    }
    return render(request, "comparisons/comparison.html", context)


def methodology(request: HttpRequest) -> HttpResponse:
    """Explain how verdicts, panels, answers and rankings come about, in the code's own figures."""
    context = {"personas": Persona, "outcomes": Outcome, "clear_lead": CLEAR_LEAD}
    return render(request, "comparisons/methodology.html", context)


def _only(slug: str) -> HttpResponseBase:
    """Lead from a tool against itself to the tool."""
    if not Tool.objects.published().filter(slug=slug).exists():
        raise _unknown([slug], known=[])
    return redirect("tool", slug, permanent=True)


def _unknown(names: list[str], known: list[str]) -> UnknownName:
    """Return the 404 for slugs of which some are not `known`, with the nearest pairs or tools."""
    unknown = next(name for name in names if name not in known)
    nearest = nearest_tools(unknown)
    if len(known) == 1:
        other = Tool.objects.get(slug=known[0])
        suggestions = [
            Suggestion(f"{name} vs {other.name}", pair_address(*sorted((slug, other.slug))))
            for slug, name in nearest
            if slug != other.slug
        ]
    else:
        suggestions = [Suggestion(name, reverse("tool", args=[slug])) for slug, name in nearest]
    return UnknownName(unknown, suggestions)
