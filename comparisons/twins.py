"""Tools and comparisons as data, in the shape that docs/api.md promises.

What is unknown is null; it is not zero, not false and not left out. A change that a reader of the
old shape would trip over needs a new number in `format`.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from tools.pricing import PlanLine, format_amount

from .answers import Answer

TOOL_FORMAT = "shiporskip-tool/1"
COMPARISON_FORMAT = "shiporskip-comparison/1"


def tool_data(tool: Any) -> dict[str, Any]:
    """Return a tool with its panel, plans and reviews; see `for_page` for what to fetch."""
    card = tool.reviews.all().scorecard()
    return {
        "format": TOOL_FORMAT,
        "url": settings.SITE_URL + tool.get_absolute_url(),
        "slug": tool.slug,
        "name": tool.name,
        "tagline": tool.tagline or None,
        "description": tool.description or None,
        "website": tool.website or None,
        "released_on": tool.released_on and tool.released_on.isoformat(),
        "vendor": {"slug": tool.vendor.slug, "name": tool.vendor.name},
        "category": {"slug": tool.category.slug, "name": tool.category.name},
        "panel": {
            "verdict": card.strip.outcome.value,
            "ships": card.strip.ships,
            "skips": card.strip.skips,
            "share": card.strip.share,
            "mean_score": card.mean_score,
        },
        "community": {
            "ships": tool.count.ships,
            "skips": tool.count.skips,
            "share": tool.count.share,
            "interval": [tool.count.low, tool.count.high] if tool.count.enough else None,
        },
        "reviews": [_review(line.review) for line in card.lines if line.review],
        "entry": tool.entry.name.lower(),
        "plans": [_plan(plan) for plan in tool.pricing.plans],
        "feed": settings.SITE_URL + reverse("tool-feed", args=[tool.slug]),
    }


def comparison_data(
    tools: Sequence[Any], address: str, verdict: Answer, summary: str, indexable: bool
) -> dict[str, Any]:
    """Return a comparison: the answer, the editor's text, and its tools in canonical order."""
    return {
        "format": COMPARISON_FORMAT,
        "url": settings.SITE_URL + address,
        "answer": verdict.text,
        "summary": summary or None,
        "indexable": indexable,
        "tools": [tool_data(tool) for tool in tools],
    }


def _review(review: Any) -> dict[str, Any]:
    return {
        "persona": review.persona,
        "verdict": review.verdict,
        "score": review.score,
        "argument": review.body,
        "evidence": review.evidence,
        "reviewed_on": review.reviewed_on.isoformat(),
    }


def _plan(plan: PlanLine) -> dict[str, Any]:
    price = plan.price
    return {
        "label": plan.label,
        "kind": plan.kind,
        "price_text": plan.price_text,
        "price": price
        and {
            "amount": format_amount(price.amount),
            "currency": price.currency,
            "period": price.period or None,
            "unit": price.unit or None,
            "effective_on": price.effective_on.isoformat(),
            "checked_on": price.checked_on.isoformat(),
        },
    }
