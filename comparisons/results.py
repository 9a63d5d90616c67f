"""The page of results and the suggestions, put together from what the search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString

from reviews.scorecards import Outcome
from tools.addresses import Suggestion, nearest_tools
from tools.paging import Listing, paginate

from . import search
from .lineups import find_lineup
from .questions import Question, Side
from .search import MOST, Found
from .snippets import snippets
from .spelling import corrected

#: How many suggestions there are while somebody types, and how long a cache may keep them.
SUGGESTIONS = 8
SUGGESTIONS_MAX_AGE = 60


class Kind(models.TextChoices):
    """What can be found, in the order of the page."""

    TOOLS = "tools", "Tools"
    COMPARISONS = "comparisons", "Comparisons"
    REVIEWS = "reviews", "Reviews"
    VENDORS = "vendors", "Vendors"


#: How many of each kind stand on the page of all kinds.
SHOWN = {Kind.TOOLS: 8, Kind.COMPARISONS: 5, Kind.REVIEWS: 6, Kind.VENDORS: 4}
#: How many of a vendor's tools are named below it.
VENDOR_TOOLS = 6


@dataclass(frozen=True, slots=True)
class Result:
    """A row that was found, and the piece of its text that tells why."""

    row: Any
    snippet: SafeString


@dataclass(frozen=True, slots=True)
class Section:
    """What was found of one kind, or its first rows."""

    kind: Kind
    total: int
    results: Sequence[Result]
    #: The pages, where the reader asked for this kind alone.
    listing: Listing | None = None

    @property
    def count(self) -> str:
        """How many there are, as readers see it; more than MOST are not counted."""
        return f"{MOST}+" if self.total >= MOST else str(self.total)

    @property
    def has_more(self) -> bool:
        """Whether there are more than stand here, without pages of their own."""
        return self.listing is None and self.total > len(self.results)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the page shows beside the box."""

    sections: Sequence[Section]
    #: What was searched for instead, where nothing has the words that were typed.
    corrected: Question | None
    #: The nearest names, where nothing was found at all.
    nearest: Sequence[Suggestion]

    @classmethod
    def of(cls, question: Question, request: HttpRequest) -> "Results":
        """Search, mend a typing error where nothing is found, and fetch what is shown."""
        if not question.words:
            return cls([], None, [])
        found, better = search.find(question), None
        if not found and (better := corrected(question)):
            found = search.find(better)
        if not found:
            near = [
                Suggestion(name, reverse("tool", args=[slug]))
                for slug, name in nearest_tools(question.text)
            ]
            return cls([], None, near)
        return cls(_sections(found, request), better, [])


def _sections(found: Found, request: HttpRequest) -> list[Section]:
    keys = {
        Kind.TOOLS: found.tools,
        Kind.COMPARISONS: found.comparisons,
        Kind.REVIEWS: found.reviews,
        Kind.VENDORS: found.vendors,
    }
    chosen = request.GET.get("in", "")
    listing = None
    if chosen in Kind.values and keys[Kind(chosen)]:
        keys = {Kind(chosen): keys[Kind(chosen)]}
        listing = paginate(request, keys[Kind(chosen)])
    shown = {
        kind: listing.items if listing else found_keys[: SHOWN[kind]]
        for kind, found_keys in keys.items()
    }
    fetch = {
        Kind.TOOLS: search.tools_of,
        Kind.COMPARISONS: search.comparisons_of,
        Kind.REVIEWS: search.reviews_of,
        Kind.VENDORS: search.vendors_of,
    }
    rows = [(kind, row) for kind in keys for row in fetch[kind](shown[kind])]
    texts = [_text(kind, row, found.question) for kind, row in rows]
    pieces = snippets(texts, found.terms.every)
    results = [(kind, Result(row, piece)) for (kind, row), piece in zip(rows, pieces, strict=True)]
    return [
        Section(kind, len(keys[kind]), [result for of, result in results if of == kind], listing)
        for kind in keys
        if keys[kind]
    ]


def _text(kind: Kind, row: Any, question: Question) -> str:
    """Return the HTML that a snippet is cut from.

    A tool that is found by its name needs no more than its tagline.
    """
    if kind == Kind.TOOLS:
        tagline = escape(row.tagline)
        if question.is_answered_by(row.name):
            return tagline
        return " — ".join(filter(None, (tagline, row.description_html)))
    if kind == Kind.COMPARISONS:
        return str(row.summary_html)
    return str(row.body_html) if kind == Kind.REVIEWS else ""


@dataclass(frozen=True, slots=True)
class Versus:
    """The comparison that “X vs Y” means; where it is not clear, it is only offered."""

    title: str
    address: str
    is_clear: bool


def put_against(question: Question) -> Versus | None:
    """Return the comparison that a question of two sides asks for, None if there is none."""
    if len(question.sides) != 2:
        return None
    left, right = map(_named, question.sides)
    if not left or not right or left.slug == right.slug:
        return None
    lineup = find_lineup([left.slug, right.slug])
    if isinstance(lineup, list):  # a name that was kept for a minute, of a tool that is gone
        return None
    return Versus(
        " vs ".join(side.name for side in lineup.sides),
        lineup.address,
        left.is_clear and right.is_clear,
    )


def _named(side: Side) -> search.NamedTool | None:
    """Return the tool that a side names, or else the one with the nearest name."""
    if named := search.find_named(side):
        return named
    return next(
        (search.NamedTool(*near, False) for near in nearest_tools(side.text, limit=1)), None
    )


def suggested(question: Question) -> list[dict[str, str]]:
    """Return name, address and a word on each suggestion: tools first, then comparisons."""
    if not question.words:
        return []
    versus = put_against(question)
    tools, comparisons = search.suggest(question, SUGGESTIONS)
    if not tools and not comparisons and (better := corrected(question)):
        tools, comparisons = search.suggest(better, SUGGESTIONS)
    offers = [_offer(versus.title, versus.address, "Comparison")] if versus else []
    offers += [
        _offer(tool.name, tool.get_absolute_url(), Outcome(tool.strip.outcome).label)
        for tool in tools
    ]
    offers += [
        _offer(str(comparison), comparison.address, "Comparison") for comparison in comparisons
    ]
    return list({offer["address"]: offer for offer in offers}.values())[:SUGGESTIONS]


def _offer(name: str, address: str, note: str) -> dict[str, str]:
    return {"name": name, "address": address, "note": note}
