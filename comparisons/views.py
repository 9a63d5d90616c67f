"""The home page and the comparisons."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control

from reviews import ranking, retention, screening, tallies, voters
from reviews.models import Panel, Revision
from reviews.personas import Persona
from reviews.scorecards import Outcome
from tools import freshness
from tools.addresses import Suggestion, UnknownName, moved, nearest_tools
from tools.models import Category, Price, Tool
from tools.paging import paginate
from tools.previews import PreviewEnded, opened, unlisted
from tools.slugs import VERSUS

from .answers import CLEAR_LEAD, answer
from .decision import decision_table
from .indexing import lacks
from .lineups import MOST, Lineup, find_lineup, foresee_lineup
from .models import Comparison
from .picking import read_pick
from .questions import MAX_LENGTH, MAX_WORDS, Question
from .results import SUGGESTIONS_MAX_AGE, VENDOR_TOOLS, Results, put_against, suggested
from .structured_data import comparison_list, comparison_page

#: Of more tools than a page compares, so many are looked up to offer the first that exist.
TOO_MANY = 20


class TooManyTools(Http404):
    """A line-up that no page can hold; the 404 page says so and offers a smaller one."""

    explanation = "One page compares four tools at most."

    def __init__(self, suggestions: list[Suggestion]) -> None:
        super().__init__(self.explanation)
        self.suggestions = suggestions


def home(request: HttpRequest) -> HttpResponse:
    """Show what is new: comparisons, verdicts, changes of mind and of price, contested tools."""
    context = {
        "comparisons": Comparison.objects.published().newest().for_cards()[:6],
        "tools": [panel.tool for panel in Panel.objects.public().newest()[:6]],
        "reversals": Revision.objects.public().reversals()[:5],
        "price_changes": Price.objects.changes()[:5],
        "contested": [panel.tool for panel in Panel.objects.public().contested()[:3]],
        "divided": Tool.objects.published().where_readers_divide()[:3],
        "agreed": Tool.objects.published().where_readers_agree()[:3],
        "categories": Category.objects.with_counts()[:24],
    }
    return render(request, "comparisons/home.html", context)


def index(request: HttpRequest) -> HttpResponseBase:
    """Let the reader pick two to four tools, and list the comparisons that editors wrote."""
    pick = read_pick(request.GET)
    if pick.slugs:
        return redirect(Comparison.objects.address_of(pick.slugs))
    comparisons = Comparison.objects.published().newest().for_cards()
    listing = paginate(request, comparisons)
    context = {
        "listing": listing,
        "pick": pick,
        "structured_data": comparison_list(listing.items),
    }
    return render(request, "comparisons/index.html", context)


def comparison(request: HttpRequest, slugs: str) -> HttpResponseBase:
    """Put two to four tools side by side, at the one address that the line-up has."""
    names = slugs.lower().split(VERSUS)
    if len(names) < 2 or not all(names):
        raise _unknown([slugs.lower()], known=[])
    names = list(dict.fromkeys(names))
    if len(names) == 1:
        return _only(request, names[0])
    if len(names) > MOST:
        raise _too_many(names)
    lineup = find_lineup(names)
    if isinstance(lineup, list):
        raise _unknown(names, known=lineup)
    if elsewhere := moved(request, lineup.address):
        return elsewhere
    context = _about(request, lineup) | {
        "structured_data": comparison_page([side.name for side in lineup.sides], lineup.address),
    }
    return render(request, "comparisons/comparison.html", context)


@unlisted
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """Show an editor's comparison as it will look once its tools and reviews are public."""
    key, shown = opened(Comparison, token, request.path)
    found = Comparison.objects.foreseen().filter(pk=key).select_related("left", "right").first()
    lineup = found and foresee_lineup(found.left.slug, found.right.slug, found.summary_html)
    if not lineup:
        raise PreviewEnded
    return render(
        request, "comparisons/comparison.html", _about(request, lineup) | {"preview": shown}
    )


def _about(request: HttpRequest, lineup: Lineup) -> dict[str, Any]:
    """Return what the page of a line-up shows."""
    return {
        "lineup": lineup,
        "answer": answer(*lineup.sides),
        "decision": decision_table(lineup),
        "differences_only": request.GET.get("rows") == "different",
        "most": MOST,
        "indexable": not lacks(lineup.sides, lineup.summary_html),
    }


def corrections(request: HttpRequest) -> HttpResponse:
    """List which verdicts and scores were changed, and which reviews withdrawn, and why."""
    listing = paginate(request, Revision.objects.corrections())
    return render(request, "comparisons/corrections.html", {"listing": listing})


def search(request: HttpRequest) -> HttpResponseBase:
    """Find tools, comparisons, reviews and vendors; “X vs Y” leads to the comparison itself."""
    question = Question.read(request.GET.get("q", ""))
    versus = put_against(question)
    if versus and versus.is_clear:
        return redirect(versus.address)
    context = {
        "question": question,
        "versus": versus,
        "results": Results.of(question, request),
        "max_length": MAX_LENGTH,
        "max_words": MAX_WORDS,
        "vendor_tools": VENDOR_TOOLS,
    }
    return render(request, "comparisons/search.html", context)


@cache_control(public=True, max_age=SUGGESTIONS_MAX_AGE)
def suggestions(request: HttpRequest) -> JsonResponse:
    """Return what a reader who is still typing may mean, the same for everybody."""
    question = Question.read(request.GET.get("q", ""))
    return JsonResponse({"suggestions": suggested(question)})


def methodology(request: HttpRequest) -> HttpResponse:
    """Explain how verdicts, panels, answers and rankings come about, in the code's own figures."""
    context = {
        "personas": Persona,
        "outcomes": Outcome,
        "clear_lead": CLEAR_LEAD,
        "screening": screening,
        "tallies": tallies,
        "ranking": ranking,
        "quarantined": screening.quarantined_votes(),
    }
    return render(request, "comparisons/methodology.html", context)


def privacy(request: HttpRequest) -> HttpResponse:
    """Say what is stored of readers and editors, for how long, and how it is removed."""
    context = {
        "cookie": voters.COOKIE,
        "fresh_cookie": freshness.COOKIE,
        "page_age": timedelta(seconds=freshness.lasts()),
        "retention": retention,
        "session_cookie": settings.SESSION_COOKIE_NAME,
        "session": timedelta(seconds=settings.SESSION_COOKIE_AGE),
        "form_cookie": settings.CSRF_COOKIE_NAME,
        "form": timedelta(seconds=settings.CSRF_COOKIE_AGE),
    }
    return render(request, "comparisons/privacy.html", context)


def _only(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Lead from a tool against itself to the tool."""
    if not Tool.objects.published().filter(slug=slug).exists():
        raise _unknown([slug], known=[])
    return moved(request, reverse("tool", args=[slug])) or redirect("tool", slug)


def _unknown(names: list[str], known: list[str]) -> UnknownName:
    """Return the 404 for slugs of which some are not `known`.

    It offers the line-ups that one of the nearest tools would complete, or the tools themselves
    where more than one is unknown.
    """
    unknown = [name for name in names if name not in known]
    nearest = dict(near for name in unknown[:MOST] for near in nearest_tools(name)).items()
    if known and len(unknown) == 1:
        titles = dict(Tool.objects.filter(slug__in=known).values_list("slug", "name"))
        suggestions = [
            _suggested({slug: name} | titles) for slug, name in nearest if slug not in known
        ]
    else:
        suggestions = [Suggestion(name, reverse("tool", args=[slug])) for slug, name in nearest]
    return UnknownName(unknown[0], suggestions)


def _too_many(names: list[str]) -> TooManyTools:
    """Return the 404 for more tools than a page compares, with the page of the first ones."""
    asked = names[:TOO_MANY]
    titles = dict(Tool.objects.published().filter(slug__in=asked).values_list("slug", "name"))
    first = [name for name in asked if name in titles][:MOST]
    return TooManyTools(
        [_suggested({slug: titles[slug] for slug in first})] if len(first) > 1 else []
    )


def _suggested(titles: dict[str, str]) -> Suggestion:
    """Offer the page of several tools, given as their names by their slugs."""
    title = " vs ".join(titles[slug] for slug in sorted(titles))
    return Suggestion(title, Comparison.objects.address_of(list(titles)))
