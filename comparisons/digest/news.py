"""Finding what changed between two moments, for `content.Content`."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count as Rows
from django.db.models import F, Max, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Greatest
from django.utils import timezone
from markupsafe import Markup

from comparisons.answers import answer
from comparisons.lineups import lineup_address
from comparisons.models import Comparison
from reviews.models import Panel, Review, Revision
from reviews.personas import Persona
from reviews.scorecards import Outcome, PanelStrip, Scorecard
from reviews.tallies import ENOUGH, Count
from reviews.votes import Tally
from tools.models import Price, Tool
from tools.offering import xml_text
from tools.pricing import FREE, Pricing, describe_price, format_amount
from tools.status import is_published

from .items import (
    Argument,
    Contested,
    Disagreement,
    Found,
    NewComparison,
    NewVerdict,
    PriceChange,
    Reversal,
    Section,
    kept,
    keys_of,
)

#: A transaction that was still running when the last edition was made may have dated something
#: before it. So we look back over this time once more; what was told then is left out.
LATE = timedelta(hours=1)
#: Of each kind of news so many items are kept for each category, and so many together.
KEPT = 8
KEPT_AT_ALL = 400
#: So many tools of which readers think otherwise than the panel are told.
DISAGREEMENTS = 3
#: The end of the keys of what readers disagree about.
DISAGREEMENT = "/readers"
#: The beginning of the key that says up to which price, by key, an edition has looked.
PRICES_TO = "prices-to/"

# The longest texts, in characters. What is longer is a mistake or hostile, and a mail is small.
NAME = 80
TAGLINE = 160
REASON = 240
ARGUMENT = 220

#: Marks that turn the direction of what follows them; names have no need of them.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str, most: int) -> str:
    """Return a text on one line, without control characters, at most so long."""
    text = _TURNING.sub("", xml_text(" ".join(text.split())))
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cc")
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when, and what was told before."""

    since: datetime
    until: datetime
    told: Collection[str]

    def holds(self, moment: str) -> Q:
        """Return the condition that a column lies in the period, or just before it."""
        return Q(**{f"{moment}__gt": self.since - LATE, f"{moment}__lte": self.until})

    def untold(self, found: Iterable[Found]) -> list[Found]:
        """Leave out what was told before."""
        return [one for one in found if one.key not in self.told]

    @property
    def first_day(self) -> date:
        """The day on which the period begins."""
        return timezone.localdate(self.since)

    @property
    def last_day(self) -> date:
        """The day on which it ends."""
        return timezone.localdate(self.until)


def gather(since: datetime, until: datetime, told: Collection[str]) -> dict[str, Any]:
    """Return the sections of `content.Content` and its keys."""
    period = Period(since, until, told)
    found_verdicts = _verdicts(period)
    new = {one.row for one in found_verdicts}
    found_reversals, keys = _reversals(period, new)
    found_prices, mark = _prices(period)
    found_comparisons = _comparisons(period)
    found_contested = _contested(period)
    found_disagreements = _disagreements(period)

    verdicts, verdicts_rest = kept(found_verdicts, KEPT, KEPT_AT_ALL)
    reversals, reversals_rest = kept(found_reversals, KEPT, KEPT_AT_ALL)
    prices, prices_rest = kept(found_prices, KEPT, KEPT_AT_ALL)
    comparisons, comparisons_rest = kept(found_comparisons, KEPT, KEPT_AT_ALL)
    shown = _tools(
        {one.row for one in (*verdicts, *found_contested)}
        | {one.row.tool for one in (*reversals, *prices, *found_disagreements)}
        | {side for one in comparisons for side in (one.row.left, one.row.right)},
        period,
    )
    arguments = _arguments([one.row for one in found_contested], period)
    return {
        "verdicts": Section(
            tuple(_verdict(one, shown[one.row]) for one in verdicts), verdicts_rest
        ),
        "reversals": Section(
            tuple(_reversal(one, shown[one.row.tool]) for one in reversals), reversals_rest
        ),
        "prices": Section(tuple(_price(one, shown[one.row.tool]) for one in prices), prices_rest),
        "comparisons": Section(
            tuple(
                _comparison(one, shown[one.row.left], shown[one.row.right]) for one in comparisons
            ),
            comparisons_rest,
        ),
        "contested": Section(
            tuple(_contest(one, shown[one.row], arguments) for one in found_contested)
        ),
        "disagreements": Section(
            tuple(_disagreement(one, shown[one.row.tool]) for one in found_disagreements)
        ),
        "keys": frozenset(
            {f"{PRICES_TO}{mark}", *keys}
            | keys_of(found_verdicts)
            | keys_of(found_reversals)
            | keys_of(found_prices)
            | keys_of(found_comparisons)
            | keys_of(found_contested)
            | keys_of(found_disagreements)
        ),
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """A tool as it stands at the end of the period: what `answers` and the items need of it."""

    pk: int
    name: str
    address: str
    tagline: str
    category: str
    strip: PanelStrip
    scorecard: Scorecard[Any]
    pricing: Pricing
    count: Count


def _tools(keys: set[int], period: Period) -> dict[int, Shown]:
    """Fetch tools by their keys."""
    reviews: Any = Review.objects.published(period.until)
    found = (
        Tool.objects.filter(pk__in=keys)
        .select_related("category", "tally")
        .only("slug", "name", "tagline", "category__name", "tally__ships", "tally__skips")
        .prefetch_related(
            Prefetch("reviews", reviews.only("tool_id", "persona", "verdict", "score")),
            "plans__prices",
        )
    )
    shown = {}
    for tool in found:
        card = tool.scorecard()
        shown[tool.pk] = Shown(
            pk=tool.pk,
            name=one_line(tool.name, NAME),
            address=tool.get_absolute_url(),
            tagline=one_line(tool.tagline, TAGLINE),
            category=one_line(tool.category.name, NAME),
            strip=card.strip,
            scorecard=card,
            pricing=Pricing([plan.line(period.last_day) for plan in tool.plans.all()]),
            count=tool.count,
        )
    return shown


# New verdicts: tools that became public with four reviews, or got the fourth one


def _verdicts(period: Period) -> list[Found]:
    """Return the tools whose panel is complete since some moment of the period, newest first.

    That moment is when the tool and the last of its four reviews were public. It stays the same
    when something is withdrawn and published again, so that nothing becomes news a second time.
    """
    public = is_published(period.until, "reviews__")
    judged = (
        Tool.objects.published(period.until)
        .filter(
            Q(published_at__gt=period.since - LATE)
            | Q(reviews__in=Review.objects.filter(published_at__gt=period.since - LATE))
        )
        .order_by()
        .values("pk")
    )
    found = (
        Tool.objects.filter(pk__in=judged)
        .annotate(
            standing=Rows("reviews", filter=public),
            complete_at=Greatest("published_at", Max("reviews__published_at", filter=public)),
        )
        .filter(period.holds("complete_at"), standing=len(Persona))
        .order_by("-complete_at", "-pk")
        .values_list("pk", "category_id")
    )
    return period.untold(Found(f"tool/{pk}/verdict", (category,), pk) for pk, category in found)


def _verdict(one: Found, tool: Shown) -> NewVerdict:
    return NewVerdict(
        key=one.key,
        categories=one.categories,
        address=tool.address,
        name=tool.name,
        cells=tool.strip.cells,
        category=tool.category,
        tagline=tool.tagline,
        score=tool.scorecard.mean_score,
        entry=str(tool.pricing.entry.label) if tool.pricing.entry else "",
    )


# Verdicts that flipped


@dataclass(frozen=True, slots=True)
class Turned:
    """A persona's verdict at the beginning and at the end of the period."""

    tool: int
    persona: str
    before: str
    after: str
    reason: str
    at: datetime


def _reversals(period: Period, new: set[int]) -> tuple[list[Found], set[str]]:
    """Return the verdicts that turned round, newest first, and the keys of all that did.

    Whoever turned round and back has not changed their mind. Tools of which the edition tells as
    new ones are left out: there is no old verdict that anybody was told.
    """
    revisions = (
        Revision.objects.public(period.until)
        .reversals()
        .filter(period.holds("public_from"))
        .values_list(
            "pk", "review_id", "review__tool_id", "review__tool__category_id", "review__persona",
            "previous_verdict", "verdict", "reason", "public_from",
        )
    )  # fmt: skip
    turns: dict[int, list[Any]] = defaultdict(list)
    keys = set()
    for row in revisions:
        key = f"revision/{row[0]}"
        if key not in period.told:
            keys.add(key)
            turns[row[1]].append(row)
    found = []
    for rows in turns.values():
        pk, _, tool, category, persona, _, after, reason, at = rows[0]
        before = rows[-1][5]
        if before != after and tool not in new:
            turned = Turned(tool, persona, before, after, reason, at)
            found.append(Found(f"revision/{pk}", (category,), turned))
    return found, keys


def _reversal(one: Found, tool: Shown) -> Reversal:
    turned: Turned = one.row
    return Reversal(
        key=one.key,
        categories=one.categories,
        address=tool.address,
        name=tool.name,
        cells=tool.strip.cells,
        persona=turned.persona,
        before=turned.before,
        after=turned.after,
        reason=one_line(turned.reason, REASON),
        on=timezone.localdate(turned.at).isoformat(),
    )


# Prices


@dataclass(frozen=True, slots=True)
class Repriced:
    """A plan's price at the end of the period, and the amount that readers knew before it."""

    tool: int
    plan: str
    before: Decimal
    now: Price


def _prices(period: Period) -> tuple[list[Found], int]:
    """Return the plans that cost something else than before, and the key of the newest price.

    What a plan cost before is what was known of it when the last edition was made. So a price that
    was only written down since, but holds from an earlier day, is news, and a history that was
    filled in is none. Nobody knew what a tool cost that was not public yet. Prices are compared as
    on the site's front page: in the same currency and for the same period and unit.
    """
    mark = max(
        (int(key.removeprefix(PRICES_TO)) for key in period.told if key.startswith(PRICES_TO)),
        default=None,
    )
    known = Q(effective_on__lte=period.first_day)
    new = Q(effective_on__gt=period.first_day)
    if mark is not None:
        known &= Q(pk__lte=mark)
        new |= Q(pk__gt=mark)
    before = (
        Price.objects.filter(known, plan=OuterRef("plan")).order_by("-effective_on", "-pk")
    )  # fmt: skip
    columns = ("amount", "currency", "period", "unit")
    newest = Price.objects.aggregate(newest=Max("pk"))["newest"] or 0
    prices: Any = (
        Price.objects.current(period.last_day)
        .filter(
            new,
            is_published(period.until, "plan__tool__"),
            plan__tool__published_at__lte=period.since,
            pk__lte=newest,
        )
        .annotate(**{f"known_{column}": Subquery(before.values(column)[:1]) for column in columns})
        .filter(
            ~Q(amount=F("known_amount")),
            *(Q(**{column: F(f"known_{column}")}) for column in columns[1:]),
        )
        .select_related("plan")
        .annotate(category=F("plan__tool__category_id"))
        .order_by("-effective_on", "-pk")
    )
    found = [
        Found(
            f"price/{price.pk}",
            (price.category,),
            Repriced(price.plan.tool_id, price.plan.label, price.known_amount, price),
        )
        for price in prices
    ]
    return period.untold(found), max(newest, mark or 0)


def _price(one: Found, tool: Shown) -> PriceChange:
    repriced: Repriced = one.row
    now = repriced.now
    before = f"{now.currency} {format_amount(repriced.before)}" if repriced.before else FREE
    return PriceChange(
        key=one.key,
        categories=one.categories,
        address=tool.address,
        name=tool.name,
        cells=tool.strip.cells,
        plan=one_line(repriced.plan, NAME),
        before=before,
        after=one_line(describe_price(now), NAME),
        change=_change(repriced.before, now.amount),
        on=now.effective_on.isoformat(),
    )


def _change(before: Decimal, after: Decimal) -> str:
    """Return by how much a price changed, in percent; nothing where it was or is free."""
    if not (before and after):
        return ""
    percent = round(100 * (after - before) / before)
    return f"{percent:+,}%".replace("-", "−") if percent else ""


# Comparisons


@dataclass(frozen=True, slots=True)
class Pair:
    """A comparison by the keys and slugs of its tools, in its order."""

    left: int
    right: int
    slugs: Sequence[str]


def _comparisons(period: Period) -> list[Found]:
    """Return the comparisons that appeared, which needs both tools to be public, newest first."""
    found = (
        Comparison.objects.published(period.until)
        .annotate(
            appeared_at=Greatest("published_at", "left__published_at", "right__published_at")
        )
        .filter(period.holds("appeared_at"))
        .order_by("-appeared_at", "-pk")
        .values_list(
            "pk", "left_id", "right_id", "left__slug", "right__slug",
            "left__category_id", "right__category_id",
        )
    )  # fmt: skip
    return period.untold(
        Found(f"comparison/{pk}", tuple(sorted({one, other})), Pair(left, right, slugs))
        for pk, left, right, *slugs, one, other in found
    )


def _comparison(one: Found, left: Shown, right: Shown) -> NewComparison:
    said = answer(left, right)
    return NewComparison(
        key=one.key,
        categories=one.categories,
        address=lineup_address(*one.row.slugs),
        names=(left.name, right.name),
        cells=(left.strip.cells, right.strip.cells),
        verdict=_pieces(said.verdict),
        reason=_pieces(said.reason),
    )


def _pieces(sentence: Markup) -> tuple[str, ...]:
    """Return a sentence in pieces, of which every second one is a name, which was isolated."""
    return tuple(Markup(piece).unescape() for piece in re.split("</?bdi>", str(sentence)))


# Where the personas, or readers and panel, disagree


def _contested(period: Period) -> list[Found]:
    """Return the tool about which the four disagree most, of those that were never told so."""
    told = [
        int(key.split("/")[1]) for key in period.told if re.fullmatch(r"tool/\d+/contested", key)
    ]
    panels: Any = Panel.objects.filter(is_published(period.until, "tool__")).contested()
    found = (
        panels.exclude(outcome=Outcome.PENDING)
        .exclude(tool_id__in=told)
        .values_list("tool_id", "tool__category_id")[:1]
    )
    return [Found(f"tool/{pk}/contested", (category,), pk) for pk, category in found]


def _arguments(tools: Sequence[int], period: Period) -> dict[int, list[Review]]:
    """Fetch the reviews of tools with their arguments."""
    reviews: dict[int, list[Review]] = defaultdict(list)
    for review in Review.objects.published(period.until).filter(tool__in=tools):
        reviews[review.tool_id].append(review)
    return reviews


def _contest(one: Found, tool: Shown, reviews: dict[int, list[Review]]) -> Contested:
    """Tell of a tool with the highest score that ships it and the lowest that skips it."""
    known = [line.review for line in Scorecard.of(reviews[one.row]).lines if line.review]
    ships = [review for review in known if review.verdict == "ship"]
    skips = [review for review in known if review.verdict == "skip"]
    ships.sort(key=lambda review: -(review.score or 0))
    skips.sort(key=lambda review: 100 if review.score is None else review.score)
    return Contested(
        key=one.key,
        categories=one.categories,
        address=tool.address,
        name=tool.name,
        cells=tool.strip.cells,
        category=tool.category,
        arguments=tuple(
            Argument(review.persona, review.verdict, review.score, _excerpt(review.body_html))
            for review in (*ships[:1], *skips[:1])
        ),
    )


def _excerpt(html: str) -> str:
    """Return the beginning of an argument, whole sentences where they fit."""
    text = one_line(Markup(html.replace("<p>", " <p>")).striptags(), len(html))
    if len(text) <= ARGUMENT:
        return text
    end = max(text.rfind(sign, 0, ARGUMENT) for sign in (". ", "? ", "! "))
    if end > 0:
        return text[: end + 1]
    space = text.rfind(" ", 0, ARGUMENT)
    return text[: space if space > 0 else ARGUMENT].rstrip() + " …"


@dataclass(frozen=True, slots=True)
class Doubted:
    """A tool of which readers think otherwise, and how far apart panel and readers are."""

    tool: int
    count: Count
    distance: float


def _disagreements(period: Period) -> list[Found]:
    """Return the tools of which readers think otherwise than the panel, the widest first."""
    rows = (
        Tally.objects.filter(is_published(period.until, "tool__"), tool__panel__isnull=False)
        .exclude(tool__panel__outcome=Outcome.PENDING)
        .alias(total=F("ships") + F("skips"))
        .filter(total__gte=ENOUGH)
        .values_list("tool_id", "tool__category_id", "ships", "skips", "tool__panel__ships")
    )
    found = []
    for pk, category, ships, skips, panel in rows:
        count, share = Count(ships, skips), round(100 * panel / len(Persona))
        if count.differs_from(share):
            doubted = Doubted(pk, count, abs(share - 100 * ships / count.total))
            found.append(Found(f"tool/{pk}{DISAGREEMENT}", (category,), doubted))
    found = period.untold(found)
    found.sort(key=lambda one: (-one.row.distance, -one.row.count.total, one.row.tool))
    return found[:DISAGREEMENTS]


def still_public(told: Section[Disagreement], until: datetime) -> Section[Disagreement]:
    """Return what was told of tools that readers may still see."""
    slugs = {item.address.strip("/").rpartition("/")[2]: item for item in told.items}
    public = set(
        Tool.objects.published(until).filter(slug__in=slugs).values_list("slug", flat=True)
    )
    return Section(tuple(item for slug, item in slugs.items() if slug in public), told.rest)


def _disagreement(one: Found, tool: Shown) -> Disagreement:
    return Disagreement(
        key=one.key,
        categories=one.categories,
        address=tool.address,
        name=tool.name,
        cells=tool.strip.cells,
        ships=one.row.count.ships,
        skips=one.row.count.skips,
    )
