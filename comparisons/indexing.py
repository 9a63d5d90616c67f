"""Which comparisons are worth a place in an index, and what the others lack.

The rule stands here once, in two forms: for what a page has fetched (its robots tag, the editors'
desk) and for the database (sitemap, feeds). It starts from comparisons that an editor made, so
nobody ever has to walk all pairs.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from reviews.personas import Persona
from reviews.scorecards import Outcome, PanelStrip
from tools.models import Price
from tools.pricing import PRICE_MAX_AGE, Pricing

if TYPE_CHECKING:
    from .models import Comparison


class Judged(Protocol):
    """What the rule needs to know of a tool."""

    @property
    def name(self) -> str: ...
    @property
    def strip(self) -> PanelStrip: ...
    @property
    def pricing(self) -> Pricing: ...


def lacks(tools: Iterable[Judged], summary_html: str, today: date | None = None) -> list[str]:
    """Return in sentences what public tools and their editor's text lack; nothing if indexable."""
    tools = list(tools)
    oldest = (today or timezone.localdate()) - PRICE_MAX_AGE
    sentences = [
        f"{tool.name} has {tool.strip.count} of its {len(Persona)} reviews."
        for tool in tools
        if tool.strip.missing
    ]
    sentences += [
        f"No price of {tool.name} was checked in the last {PRICE_MAX_AGE.days} days."
        for tool in tools
        if not any(plan.price and plan.price.checked_on >= oldest for plan in tool.pricing.plans)
    ]
    if not summary_html:
        sentences.append("No editor’s text says what separates them.")
    return sentences


def comparison_lacks(comparison: "Comparison") -> list[str]:
    """Return what a comparison lacks, its publication first; see `for_desk` for what to fetch."""
    tools = [comparison.left, comparison.right]
    sentences = [f"{tool} is not public." for tool in tools if not tool.is_public]
    if not comparison.is_public:
        sentences.append("The comparison is not public.")
    return sentences + lacks(tools, comparison.summary_html)


def is_indexable(at: datetime) -> Q:
    """Return the condition that a public comparison lacks nothing: the rule of `lacks`, in SQL."""
    today = timezone.localdate(at)
    fresh = Price.objects.current(today).filter(checked_on__gte=today - PRICE_MAX_AGE)
    condition = ~Q(summary_html="")
    for side in ("left", "right"):
        condition &= Q(**{f"{side}__panel__isnull": False})
        condition &= ~Q(**{f"{side}__panel__outcome": Outcome.PENDING})
        condition &= Q(Exists(fresh.filter(plan__tool=OuterRef(side))))
    return condition
