"""Everything that a comparison page shows of two to four tools, fetched in two queries.

This is the page that readers arrive on, so it fetches columns instead of model objects: building
those took most of its time. The rules stay where they are, because rows become the same
dataclasses that every other page uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from reviews.personas import Persona
from reviews.scorecards import PanelStrip, Scorecard, Verdict
from reviews.tallies import Count, DuelCount
from tools.pricing import DatedPrice, PlanLine, Pricing, current_price
from tools.reading import reading_cursor
from tools.slugs import VERSUS
from tools.status import APPEARING

#: How many tools one page compares at most.
MOST = 4
#: How many other comparisons a page leads on to.
RELATED = 6

#: Which tools and reviews stand on a page: those that readers see by now, or on a preview all
#: that were not withdrawn.
PUBLIC = "{0}.status = ANY(%(appearing)s) AND {0}.published_at <= %(at)s"
FORESEEN = "{0}.status <> 'withdrawn'"

SIDES = """
SELECT tool.id, tool.slug, tool.name, tool.tagline, tool.description_html,
       category.slug, category.name, vendor.name,
       (SELECT json_agg(json_build_array(
            review.persona, review.verdict, review.score, review.body_html,
            review.evidence, review.reviewed_on))
        FROM reviews_review review
        WHERE review.tool_id = tool.id AND {review_stands}),
       (SELECT json_agg(json_build_array(plan.label, plan.kind,
            (SELECT json_agg(json_build_array(
                 price.amount::text, price.currency, price.period, price.unit,
                 price.effective_on, price.checked_on) ORDER BY price.effective_on, price.id)
             FROM tools_price price WHERE price.plan_id = plan.id)) ORDER BY plan.position, plan.id)
        FROM tools_plan plan WHERE plan.tool_id = tool.id),
       tally.ships, tally.skips,
       (SELECT json_build_array(duels.lefts, duels.rights, duels.neithers)
        FROM reviews_dueltally duels
        WHERE %(tools)s::int = 2 AND duels.left_id = tool.id
          AND duels.right_id IN (SELECT id FROM tools_tool WHERE slug IN {slugs}))
FROM tools_tool tool
JOIN tools_category category ON category.id = tool.category_id
JOIN tools_vendor vendor ON vendor.id = tool.vendor_id
LEFT JOIN reviews_tally tally ON tally.tool_id = tool.id
WHERE tool.slug IN {slugs} AND {tool_stands}
"""
# As many tools as there may be, each by itself: see `_each`.
_TOOLS = [f"tool{number}" for number in range(MOST)]
PUBLIC_SIDES, FORESEEN_SIDES = (
    SIDES.format(
        slugs=f"({', '.join(f'%({tool})s' for tool in _TOOLS)})",
        tool_stands=stands.format("tool"),
        review_stands=stands.format("review"),
    )
    for stands in (PUBLIC, FORESEEN)
)

COMPARISONS = """
SELECT lefty.slug, lefty.name, left_panel.cells, righty.slug, righty.name, right_panel.cells,
       comparison.summary_html
FROM comparisons_comparison comparison
JOIN tools_tool lefty ON lefty.id = comparison.left_id
JOIN tools_tool righty ON righty.id = comparison.right_id
LEFT JOIN reviews_panel left_panel ON left_panel.tool_id = lefty.id
LEFT JOIN reviews_panel right_panel ON right_panel.tool_id = righty.id
WHERE (comparison.left_id IN {tools} OR comparison.right_id IN {tools})
  AND comparison.status = ANY(%(appearing)s) AND comparison.published_at <= %(at)s
  AND lefty.status = ANY(%(appearing)s) AND lefty.published_at <= %(at)s
  AND righty.status = ANY(%(appearing)s) AND righty.published_at <= %(at)s
ORDER BY comparison.left_id IN {tools} AND comparison.right_id IN {tools} DESC,
         comparison.published_at DESC, comparison.id DESC
LIMIT %(limit)s
""".format(tools=f"({', '.join(f'%({tool})s::bigint' for tool in _TOOLS)})")


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
    count: Count


@dataclass(frozen=True, slots=True)
class Named:
    """A tool where only its name and its panel are shown."""

    slug: str
    name: str
    strip: PanelStrip


@dataclass(frozen=True, slots=True)
class Related:
    """Another comparison with one of the tools, or with two of three or four."""

    left: Named
    right: Named

    @property
    def address(self) -> str:
        """Where it stands."""
        return lineup_address(*self.slugs)

    @property
    def slugs(self) -> tuple[str, str]:
        """The two tools by their slugs, in the order that the editor gave them."""
        return self.left.slug, self.right.slug


@dataclass(frozen=True, slots=True)
class Matchup:
    """One persona on every tool of the line-up."""

    persona: Persona
    reviews: tuple[ReviewLine | None, ...]

    @property
    def disagrees(self) -> bool:
        """Whether the persona ships one and skips another."""
        return len({review.verdict for review in self.reviews if review}) > 1

    @property
    def ships(self) -> int:
        """How many of the tools the persona ships."""
        return sum(review.verdict == Verdict.SHIP for review in self.reviews if review)

    @property
    def skips(self) -> int:
        """How many of the tools the persona skips."""
        return sum(review.verdict == Verdict.SKIP for review in self.reviews if review)

    @property
    def scores(self) -> tuple[int | None, ...]:
        """Every score; None where there is no review or it gave none."""
        return tuple(review.score if review else None for review in self.reviews)

    @property
    def gap(self) -> int | None:
        """How many points the scores are apart; None unless all are known."""
        known = [score for score in self.scores if score is not None]
        return max(known) - min(known) if len(known) == len(self.reviews) else None


@dataclass(frozen=True, slots=True)
class Lineup:
    """Two to four tools in canonical order, and what an editor wrote about them if they are two."""

    sides: tuple[Side, ...]
    summary_html: str
    related: Sequence[Related]
    #: What readers chose of two; nobody is asked about three or four.
    duels: DuelCount

    @property
    def address(self) -> str:
        """The one address of this line-up."""
        return lineup_address(*(side.slug for side in self.sides))

    @property
    def matchups(self) -> list[Matchup]:
        """The scorecard, persona by persona."""
        cards = (side.scorecard.lines for side in self.sides)
        return [
            Matchup(lines[0].persona, tuple(line.review for line in lines))
            for lines in zip(*cards, strict=True)
        ]

    @property
    def updated_on(self) -> date | None:
        """The day of the newest of the reviews."""
        lines = [line for side in self.sides for line in side.scorecard.lines]
        return max((line.review.reviewed_on for line in lines if line.review), default=None)

    def reason_for(self, related: Related) -> str:
        """Say why another comparison is named: which tool it puts in whose place."""
        here = {side.slug for side in self.sides}
        others = [named for named in (related.left, related.right) if named.slug not in here]
        if not others:
            return "two of these by themselves"
        (other,) = others
        replaced = [side.name for side in self.sides if side.slug not in related.slugs]
        place = f" in place of {replaced[0]}" if len(replaced) == 1 else ""
        return f"{other.name}{place}: {other.strip.ships} of 4 ship it"

    def without(self, removed: Side) -> str:
        """Return the address of what is left when one of three or four tools is removed."""
        slugs = [side.slug for side in self.sides if side is not removed]
        # Two that are left may stand in an editor's order. Their comparison is among the related
        # ones then, which begin with those between two tools of the line-up.
        written = [other.slugs for other in self.related if set(other.slugs) == set(slugs)]
        return lineup_address(*(written[0] if written else slugs))


def lineup_address(*slugs: str) -> str:
    """Return the address of the comparison of these slugs in this order."""
    return reverse("comparison", args=[VERSUS.join(slugs)])


def find_lineup(slugs: Sequence[str], at: datetime | None = None) -> Lineup | list[str]:
    """Fetch the comparison of two to four different tools, named by their slugs in any order.

    The canonical order of a pair is the editor's where an editor made the comparison; any other
    line-up stands in the order of the slugs. Where one of the tools is not public at the moment
    (now if none is given), returns the slugs that are.
    """
    at = at or timezone.now()
    with reading_cursor() as cursor:
        rows = _rows(cursor, PUBLIC_SIDES, slugs, at)
        if len(rows) < len(slugs):
            return list(rows)
        comparisons = _comparisons(cursor, rows, at)
    order, summary_html = sorted(slugs), ""
    if comparisons and {comparisons[0][0], comparisons[0][3]} == set(slugs):
        (left, _, _, right, _, _, summary_html), *comparisons = comparisons
        order = [left, right]
    return _lineup(rows, order, summary_html, comparisons, at)


def foresee_lineup(left: str, right: str, summary_html: str) -> Lineup | None:
    """Fetch a comparison as it will look once what waits for it is public.

    The pair is given by its slugs, in its order, with the text of its editor. Returns None where
    one of the tools was withdrawn. The comparisons that it leads on to are public ones.
    """
    at = timezone.now()
    with reading_cursor() as cursor:
        rows = _rows(cursor, FORESEEN_SIDES, [left, right], at)
        if len(rows) < 2:
            return None
        comparisons = _comparisons(cursor, rows, at)
    others = [row for row in comparisons if {row[0], row[3]} != {left, right}]
    return _lineup(rows, [left, right], summary_html, others, at)


def _rows(cursor: Any, sides: str, slugs: Sequence[str], at: datetime) -> dict[str, Any]:
    parameters = {"tools": len(slugs), "appearing": list(APPEARING), "at": at}
    cursor.execute(sides, _each(slugs) | parameters)
    return {row[1]: row for row in cursor.fetchall()}


def _comparisons(cursor: Any, rows: dict[str, Any], at: datetime) -> list[Any]:
    parameters = {"limit": RELATED + 1, "appearing": list(APPEARING), "at": at}
    cursor.execute(COMPARISONS, _each([row[0] for row in rows.values()]) | parameters)
    return cursor.fetchall()


def _each(tools: Sequence[Any]) -> dict[str, Any]:
    """Return a parameter for each of as many tools as there may be, the first also for the rest.

    Of an array Postgres does not know how long it is. It would make a plan for each request then,
    which takes several times what running it does, instead of keeping one.
    """
    return dict(zip(_TOOLS, [*tools, *[tools[0]] * MOST], strict=False))


def _lineup(
    rows: dict[str, Any],
    order: Sequence[str],
    summary_html: str,
    comparisons: Sequence[Any],
    at: datetime,
) -> Lineup:
    return Lineup(
        tuple(_side(rows[slug], at.date()) for slug in order),
        summary_html,
        [_related(row) for row in comparisons[:RELATED]],
        _duels(rows, order[0]),
    )


def _duels(rows: dict[str, tuple[Any, ...]], left: str) -> DuelCount:
    """Return the tally of two tools from their rows, as seen with the tool of this slug left."""
    for slug, row in rows.items():
        if row[-1]:
            count = DuelCount(*row[-1])
            return count if slug == left else count.mirrored
    return DuelCount()


def _side(row: tuple[Any, ...], today: date) -> Side:
    (_, slug, name, tagline, description_html, category_slug, category, vendor, reviews, plans,
     ships, skips, _) = row  # fmt: skip
    card = Scorecard.of(
        ReviewLine(persona, verdict, score, body_html, evidence, date.fromisoformat(reviewed_on))
        for persona, verdict, score, body_html, evidence, reviewed_on in reviews or ()
    )
    pricing = Pricing([_plan(label, kind, prices, today) for label, kind, prices in plans or ()])
    return Side(
        slug, name, tagline, description_html, category_slug, category, vendor,
        card, card.strip, pricing, Count(ships or 0, skips or 0),
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
