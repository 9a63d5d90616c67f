"""Everything that a comparison page shows of two tools, fetched in two queries.

This is the page that readers arrive on, so it fetches columns instead of model objects: building
those took most of its time. The rules stay where they are, because rows become the same
dataclasses that every other page uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from reviews.personas import Persona
from reviews.scorecards import PanelStrip, Scorecard
from tools.pricing import DatedPrice, PlanLine, Pricing, current_price
from tools.slugs import VERSUS
from tools.status import Status

#: How many other comparisons a page leads on to.
RELATED = 6

SIDES = """
SELECT tool.id, tool.slug, tool.name, tool.tagline, tool.description_html,
       category.slug, category.name, vendor.name,
       (SELECT json_agg(json_build_array(
            review.persona, review.verdict, review.score, review.body_html,
            review.evidence, review.reviewed_on))
        FROM reviews_review review WHERE review.tool_id = tool.id),
       (SELECT json_agg(json_build_array(plan.label, plan.kind,
            (SELECT json_agg(json_build_array(
                 price.amount::text, price.currency, price.period, price.unit,
                 price.effective_on, price.checked_on) ORDER BY price.effective_on, price.id)
             FROM tools_price price WHERE price.plan_id = plan.id)) ORDER BY plan.position, plan.id)
        FROM tools_plan plan WHERE plan.tool_id = tool.id)
FROM tools_tool tool
JOIN tools_category category ON category.id = tool.category_id
JOIN tools_vendor vendor ON vendor.id = tool.vendor_id
WHERE tool.slug = ANY(%s) AND tool.status = %s AND tool.published_at <= %s
"""

COMPARISONS = """
SELECT lefty.slug, lefty.name, left_panel.cells, righty.slug, righty.name, right_panel.cells,
       comparison.summary_html
FROM comparisons_comparison comparison
JOIN tools_tool lefty ON lefty.id = comparison.left_id
JOIN tools_tool righty ON righty.id = comparison.right_id
LEFT JOIN reviews_panel left_panel ON left_panel.tool_id = lefty.id
LEFT JOIN reviews_panel right_panel ON right_panel.tool_id = righty.id
WHERE (comparison.left_id = ANY(%(ids)s) OR comparison.right_id = ANY(%(ids)s))
  AND comparison.status = %(status)s AND comparison.published_at <= %(at)s
  AND lefty.status = %(status)s AND lefty.published_at <= %(at)s
  AND righty.status = %(status)s AND righty.published_at <= %(at)s
ORDER BY comparison.left_id = ANY(%(ids)s) AND comparison.right_id = ANY(%(ids)s) DESC,
         comparison.published_at DESC, comparison.id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A current review without its row."""

    persona: str
    verdict: str
    score: int | None
    body_html: str
    evidence: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class Side:
    """One tool on a comparison page."""

    slug: str
    name: str
    tagline: str
    description_html: str
    category_slug: str
    category: str
    vendor: str
    scorecard: Scorecard[ReviewLine]
    strip: PanelStrip
    pricing: Pricing


@dataclass(frozen=True, slots=True)
class Named:
    """A tool where only its name and its panel are shown."""

    slug: str
    name: str
    strip: PanelStrip


@dataclass(frozen=True, slots=True)
class Related:
    """Another comparison of one of the two."""

    left: Named
    right: Named

    @property
    def address(self) -> str:
        """Where it stands."""
        return pair_address(self.left.slug, self.right.slug)


@dataclass(frozen=True, slots=True)
class Matchup:
    """One persona on both tools."""

    persona: Persona
    reviews: tuple[ReviewLine | None, ReviewLine | None]

    @property
    def disagrees(self) -> bool:
        """Whether the persona ships one and skips the other."""
        return len({review.verdict for review in self.reviews if review}) > 1

    @property
    def scores(self) -> tuple[int | None, int | None]:
        """Both scores; None where there is no review or it gave none."""
        left, right = self.reviews
        return left.score if left else None, right.score if right else None

    @property
    def gap(self) -> int | None:
        """How many points the scores are apart; None unless both are known."""
        left, right = self.scores
        return None if left is None or right is None else abs(left - right)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tools in canonical order, with what an editor wrote about them."""

    left: Side
    right: Side
    summary_html: str
    related: Sequence[Related]

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both tools, for what is the same for each."""
        return self.left, self.right

    @property
    def matchups(self) -> list[Matchup]:
        """The scorecard, persona by persona."""
        left, right = self.left.scorecard.lines, self.right.scorecard.lines
        return [Matchup(a.persona, (a.review, b.review)) for a, b in zip(left, right, strict=True)]

    @property
    def updated_on(self) -> date | None:
        """The day of the newest of the reviews."""
        lines = [line for side in self.sides for line in side.scorecard.lines]
        return max((line.review.reviewed_on for line in lines if line.review), default=None)


def pair_address(left: str, right: str) -> str:
    """Return the address of the comparison of two slugs in this order."""
    return reverse("comparison", args=[left + VERSUS + right])


def find_pair(first: str, second: str, at: datetime | None = None) -> Pair | list[str]:
    """Fetch the comparison of two tools, named by their slugs in any order.

    The canonical order is the editor's where an editor made the comparison, else that of the
    slugs. Where one of the tools is not public at the moment (now if none is given), returns the
    slugs that are.
    """
    at = at or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(SIDES, [[first, second], Status.PUBLISHED, at])
        rows = {row[1]: row for row in cursor.fetchall()}
        if first not in rows or second not in rows:
            return list(rows)
        parameters: dict[str, Any] = {
            "ids": [row[0] for row in rows.values()],
            "status": Status.PUBLISHED,
            "at": at,
            "limit": RELATED + 1,
        }
        cursor.execute(COMPARISONS, parameters)
        comparisons = cursor.fetchall()
    order, summary_html = sorted((first, second)), ""
    if comparisons and {comparisons[0][0], comparisons[0][3]} == {first, second}:
        (left, _, _, right, _, _, summary_html), *comparisons = comparisons
        order = [left, right]
    left_side, right_side = (_side(rows[slug], at.date()) for slug in order)
    return Pair(
        left_side, right_side, summary_html, [_related(row) for row in comparisons[:RELATED]]
    )


def _side(row: tuple[Any, ...], today: date) -> Side:
    (_, slug, name, tagline, description_html, category_slug, category, vendor, reviews, plans) = (
        row
    )
    card = Scorecard.of(
        ReviewLine(persona, verdict, score, body_html, evidence, date.fromisoformat(reviewed_on))
        for persona, verdict, score, body_html, evidence, reviewed_on in reviews or ()
    )
    pricing = Pricing([_plan(label, kind, prices, today) for label, kind, prices in plans or ()])
    return Side(
        slug, name, tagline, description_html, category_slug, category, vendor,
        card, card.strip, pricing,
    )  # fmt: skip


def _plan(label: str, kind: str, prices: list[list[str]] | None, today: date) -> PlanLine:
    dated = [
        DatedPrice(
            Decimal(amount), currency, period, unit,
            date.fromisoformat(effective_on), date.fromisoformat(checked_on),
        )
        for amount, currency, period, unit, effective_on, checked_on in prices or ()
    ]  # fmt: skip
    return PlanLine(label, kind, current_price(dated, today))


def _related(row: tuple[Any, ...]) -> Related:
    left, left_name, left_cells, right, right_name, right_cells, _ = row
    return Related(
        Named(left, left_name, PanelStrip.parse(left_cells or "")),
        Named(right, right_name, PanelStrip.parse(right_cells or "")),
    )
