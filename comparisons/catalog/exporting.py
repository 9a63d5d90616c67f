"""The catalog as a document, written piece by piece so that it is never all in memory."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Collate
from django.utils import timezone

from comparisons.models import Comparison
from reviews.models import Review, Revision
from reviews.personas import Persona
from tools.models import Category, Plan, Price, Tool, Vendor
from tools.pricing import current_price, format_amount
from tools.publishing import may
from tools.status import Status

from .document import FORMAT

Object = dict[str, Any]

#: How many tools are fetched at a time.
BATCH = 250


#: What a document may tell of.
CONTENTS = (Category, Vendor, Tool, Plan, Price, Review, Comparison)


def may_export(user: Any) -> bool:
    """Whether a user may see everything that a document tells."""
    return all(may(user, "view", kind) for kind in CONTENTS)


def export_document(
    history: bool = False,
    tools: QuerySet[Tool] | None = None,
    comparisons: QuerySet[Comparison] | None = None,
) -> Iterator[str]:
    """Yield the text of the document in pieces, the same for the same catalog.

    Of `tools` it has these, their vendors and categories, and the comparisons between them; of
    `comparisons` it has these and their tools. So it can be imported as it is. Without either it
    has the whole catalog.

    Without `history` it has what stands: the current reviews, and of each plan the price in effect
    and those that are still to come. With it, every revision and every price, oldest first.

    All of it is one moment of the database, whatever is written meanwhile.
    """
    categories, vendors = Category.objects.all(), Vendor.objects.all()
    all_tools, pairs = Tool.objects.all(), Comparison.objects.all()
    if comparisons is not None:
        pairs = pairs.filter(pk__in=comparisons.values("pk"))
        tools = all_tools.filter(
            Q(pk__in=comparisons.values("left")) | Q(pk__in=comparisons.values("right"))
        )
    if tools is not None:
        chosen = tools.values("pk")
        all_tools = all_tools.filter(pk__in=chosen)
        pairs = pairs.filter(left__in=chosen, right__in=chosen)
        categories = categories.filter(pk__in=all_tools.values("category"))
        vendors = vendors.filter(pk__in=all_tools.values("vendor"))
    with _one_view():
        yield from written(
            {
                "categories": map(_category, categories.order_by(_by("slug")).iterator()),
                "vendors": map(_vendor, vendors.order_by(_by("slug")).iterator()),
                "tools": (_tool(tool, history) for tool in _with_opinions(all_tools, history)),
                "comparisons": map(_comparison, _with_tools(pairs)),
            }
        )


def written(sections: dict[str, Iterable[Object]]) -> Iterator[str]:
    """Yield a document's text: that of `json.dumps` with an indent of 1, entry by entry."""
    yield f'{{\n "format": "{FORMAT}"'
    for name, entries in sections.items():
        yield f',\n "{name}": ['
        separator = "\n  "
        for entry in entries:
            text = json.dumps(entry, ensure_ascii=False, indent=1)
            # A line break within a text is written \n, so each one here is JSON's own.
            yield separator + text.replace("\n", "\n  ")
            separator = ",\n  "
        yield "]" if separator == "\n  " else "\n ]"
    yield "\n}\n"


@contextmanager
def _one_view() -> Iterator[None]:
    """Let every query within see the same moment; inside another transaction, that one's view."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _by(field: str) -> Collate:
    """Sort by bytes, because how a database sorts letters and hyphens depends on its locale."""
    return Collate(field, "C")


def _with_opinions(tools: QuerySet[Tool], history: bool) -> Iterator[Tool]:
    opinions = "reviews__revisions" if history else "reviews"
    tools = tools.order_by(_by("slug")).select_related("vendor", "category")
    return tools.prefetch_related("plans__prices", opinions).iterator(chunk_size=BATCH)


def _with_tools(comparisons: QuerySet[Comparison]) -> Iterator[Comparison]:
    comparisons = comparisons.order_by(_by("left__slug"), _by("right__slug"))
    return comparisons.select_related("left", "right").iterator(chunk_size=BATCH)


# Each kind of entry; the keys stand in the order of docs/catalog.md


def _category(category: Category) -> Object:
    return {
        "slug": category.slug,
        "name": category.name,
        "description": category.description,
    }


def _vendor(vendor: Vendor) -> Object:
    return {"slug": vendor.slug, "name": vendor.name, "website": vendor.website}


def _tool(tool: Tool, history: bool) -> Object:
    return {
        "slug": tool.slug,
        "name": tool.name,
        "vendor": tool.vendor.slug,
        "category": tool.category.slug,
        "tagline": tool.tagline,
        "description": tool.description,
        "website": tool.website,
        **_if_known("released_on", tool.released_on and str(tool.released_on)),
        **_status(tool.stage, tool.published_at),
        "plans": [_plan(plan, history) for plan in tool.plans.all()],
        "reviews": [
            entry
            for review in sorted(tool.reviews.all(), key=_persona_order)
            for entry in _reviews(review, history)
        ],
    }


def _plan(plan: Plan, history: bool) -> Object:
    prices = list(plan.prices.all())
    if not history:
        prices = standing_prices(prices, timezone.localdate())
    return {"label": plan.label, "kind": plan.kind, "prices": [_price(price) for price in prices]}


def standing_prices(prices: list[Price], today: date) -> list[Price]:
    """Return the price in effect and those still to come, one a day: the day's last correction.

    `prices` come oldest first.
    """
    current = current_price(prices, today)
    to_come = {price.effective_on: price for price in prices if price.effective_on > today}
    return [*([current] if current else []), *to_come.values()]


def _price(price: Price) -> Object:
    return {
        "amount": format_amount(price.amount),
        "currency": price.currency,
        "period": price.period,
        "unit": price.unit,
        "effective_on": str(price.effective_on),
        "checked_on": str(price.checked_on),
        "source_url": price.source_url,
    }


def _persona_order(review: Review) -> int:
    return Persona.values.index(review.persona)


def _reviews(review: Review, history: bool) -> Iterator[Object]:
    before = Status.PUBLISHED
    for text in review.revisions.all() if history else [review]:
        entry = _review(review.persona, text)
        # Left out, the status would stay what it was in the entry before.
        yield entry if before == Status.PUBLISHED else {**entry, **_status_of(text)}
        before = text.stage


def _review(persona: str, text: Review | Revision) -> Object:
    return {
        "persona": persona,
        "verdict": text.verdict,
        **_if_known("score", text.score),
        "body": text.body,
        "evidence": text.evidence,
        "reviewed_on": str(text.reviewed_on),
        "reason": text.reason,
        **({} if text.stage == Status.PUBLISHED else _status_of(text)),
    }


def _status_of(text: Review | Revision) -> Object:
    since = text.published_at if isinstance(text, Review) else text.public_from
    return _status(text.stage, since)


def _comparison(comparison: Comparison) -> Object:
    return {
        "left": comparison.left.slug,
        "right": comparison.right.slug,
        "summary": comparison.summary,
        **_status(comparison.stage, comparison.published_at),
    }


def _if_known(key: str, value: object) -> Object:
    """Return the key with its value, or nothing: what is unknown is left out."""
    return {} if value is None else {key: value}


def _status(stage: Status, published_at: datetime | None) -> Object:
    """Return how far something has come; what is scheduled says until when it waits."""
    if stage != Status.SCHEDULED or published_at is None:
        return {"status": stage}
    return {"status": stage, "published_at": published_at.astimezone(UTC).isoformat()}
