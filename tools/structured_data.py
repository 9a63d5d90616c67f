"""Facts for search engines, as schema.org dictionaries; the page writes them down as JSON-LD."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse

from .models import Category, Tool
from .pricing import PlanKind, PlanLine, describe_price, format_amount

Data = dict[str, Any]
CONTEXT = "https://schema.org"


def breadcrumb(*steps: tuple[str, str]) -> Data:
    """Return the way to a page, as (name, address) from the top to the page itself."""
    return {"@context": CONTEXT, "@type": "BreadcrumbList", "itemListElement": _items(steps)}


def item_list(rows: Iterable[tuple[str, str]]) -> list[Data]:
    """Return the rows of a list page, as (name, address); nothing for an empty list."""
    items = [
        {"@type": "ListItem", "position": item["position"], "name": item["name"],
         "url": item["item"]}
        for item in _items(rows)
    ]  # fmt: skip
    if not items:
        return []
    return [{"@context": CONTEXT, "@type": "ItemList", "itemListElement": items}]


def tool_list(tools: Iterable[Tool]) -> list[Data]:
    """Return a list of tools."""
    return item_list((tool.name, tool.get_absolute_url()) for tool in tools)


def category_page(category: Category, tools: Iterable[Tool]) -> list[Data]:
    """Return what search engines may know of a category's page."""
    way = breadcrumb(("Tools", reverse("tools")), (category.name, category.get_absolute_url()))
    return [way, *tool_list(tools)]


def tool_page(tool: Tool, scorecard: Any) -> list[Data]:
    """Return what search engines may know of a tool's page."""
    way = breadcrumb(
        ("Tools", reverse("tools")),
        (tool.category.name, tool.category.get_absolute_url()),
        (tool.name, tool.get_absolute_url()),
    )
    return [way, *software_application(tool, scorecard)]


def software_application(tool: Tool, scorecard: Any) -> list[Data]:
    """Return the tool with its known prices and the one review that is ours, the panel's.

    Google asks for a price and a rating, and takes a SoftwareApplication without them as an error.
    So nothing is said until both are known: a price, and the mean of all four scores. No figure is
    made up, and four personas are one editorial review and no aggregate of people.
    """
    offers = [offer for plan in tool.pricing.plans for offer in _offer(plan)]
    mean = scorecard.mean_score
    if not offers or mean is None:
        return []
    publisher = {"@type": "Organization", "name": settings.SITE_NAME, "url": settings.SITE_URL}
    application = {
        "@context": CONTEXT,
        "@type": "SoftwareApplication",
        "name": tool.name,
        "url": settings.SITE_URL + tool.get_absolute_url(),
        "applicationCategory": tool.category.name,
        "author": {"@type": "Organization", "name": tool.vendor.name},
        "offers": offers,
        "review": {
            "@type": "Review",
            "author": publisher,
            "publisher": publisher,
            "datePublished": max(
                line.review.reviewed_on for line in scorecard.lines if line.review
            ).isoformat(),
            "reviewBody": f"{scorecard.strip.outcome.label}. {scorecard.strip.description}.",
            "reviewRating": {
                "@type": "Rating",
                "ratingValue": round(mean, 2),
                "worstRating": 0,
                "bestRating": 100,
            },
        },
    }
    if tool.tagline:
        application["description"] = tool.tagline
    return [application]


def _offer(plan: PlanLine) -> list[Data]:
    """Return a plan's offer; none where its price is not known. A free plan is free anyway."""
    price = plan.price
    if price is None:
        if plan.kind != PlanKind.FREE:
            return []
        return [{"@type": "Offer", "name": plan.label, "price": "0"}]
    return [
        {
            "@type": "Offer",
            "name": plan.label,
            "description": describe_price(price),
            "price": format_amount(price.amount),
            "priceCurrency": price.currency,
        }
    ]


def _items(steps: Iterable[tuple[str, str]]) -> list[Data]:
    return [
        {"@type": "ListItem", "position": number, "name": name, "item": settings.SITE_URL + address}
        for number, (name, address) in enumerate(steps, 1)
    ]
