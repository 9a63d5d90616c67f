"""What the desk's front page shows: what there is to do, and where each thing is mended.

Every section costs the same few queries however much there is, and none where a user may not see
what it lists.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Min, OuterRef, QuerySet, Subquery, Window
from django.urls import reverse
from django.utils import timezone

from comparisons.indexing import comparison_lacks
from comparisons.models import Comparison
from reviews.lists import WEEK, alone, flipped, lacking_verdicts, named, strip_of, with_verdicts
from reviews.models import Review, Revision
from reviews.scorecards import PanelStrip, Verdict
from tools.models import Act, Price, Tool
from tools.pricing import PRICE_MAX_AGE
from tools.status import Status, at_stage

#: So many lines of each section are shown; the rest is counted, with the way to its list.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to do, or one that happened: its name leads to the page where it is mended."""

    name: str
    address: str
    kind: str = ""
    note: str = ""
    moment: date | None = None
    strip: PanelStrip | None = None

    @property
    def has_time(self) -> bool:
        """Whether the moment is a minute, and not only a day."""
        return isinstance(self.moment, datetime)


@dataclass(frozen=True, slots=True)
class Whole:
    """The list that has everything of a section; with how many rows, where they are to be done."""

    title: str
    address: str
    count: int | None = None

    @property
    def text(self) -> str:
        """What its link says."""
        return self.title if self.count is None else f"{self.title}: {self.count}"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the front page."""

    key: str
    title: str
    empty: str
    lines: Sequence[Line]
    wholes: Sequence[Whole]

    @property
    def count(self) -> int:
        """How much there is, shown or not."""
        return sum(whole.count or 0 for whole in self.wholes)


#: Sections of other rooms, which know of this one and not the other way round: each is asked with
#: the user and the moment, and answers None where the user may not see it.
FURTHER: list[Callable[[Any, datetime], Section | None]] = []


def sections(user: Any, now: datetime) -> list[Section]:
    """Return the sections that a user may see, the most pressing first."""
    kinds = [kind for kind in KINDS if _sees(user, kind.model)]
    found = []
    if kinds:
        found += [_due(kinds, now), _waiting(kinds, now)]
    found += [section for further in FURTHER if (section := further(user, now))]
    if _sees(user, Tool):
        if _sees(user, Review):
            found.append(_incomplete())
        if _sees(user, Price):
            found.append(_stale(timezone.localdate(now)))
    if _sees(user, Comparison):
        found.append(_unindexable(now))
    if _sees(user, Review):
        found.append(_flipped(now))
    if _sees(user, Act):
        found.append(_acts())
    return found


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be published, with what its lines fetch."""

    model: Any
    title: str
    #: What the list has to be asked beside the stage.
    query: str = ""

    def rows(self) -> Any:
        """Return the rows that stand in sections by themselves, with nothing wide."""
        if self.model is Review:
            reviews = alone(Review.objects.select_related("tool"))
            return reviews.only("persona", "tool__name", "status", "published_at", "updated_at")
        if self.model is Comparison:
            pairs = Comparison.objects.select_related("left", "right")
            return pairs.only("left__name", "right__name", "status", "published_at", "updated_at")
        return Tool.objects.only("name", "status", "published_at", "updated_at")


KINDS = (
    Kind(Tool, "Tools"),
    Kind(Review, "Reviews", "&moves=alone"),
    Kind(Comparison, "Comparisons"),
)


def _sees(user: Any, model: Any) -> bool:
    label, name = model._meta.app_label, model._meta.model_name
    return any(user.has_perm(f"{label}.{act}_{name}") for act in ("view", "change"))


def _first(rows: QuerySet[Any]) -> tuple[list[Any], int]:
    """Return the first rows, and how many there are, in one query."""
    first: list[Any] = list(rows.annotate(found=Window(Count("*")))[:SHOWN])
    return first, first[0].found if first else 0


def _page(row: Any) -> str:
    return reverse(f"admin:{row._meta.db_table}_change", args=[row.pk])


def _list(model: Any, query: str = "") -> str:
    return reverse(f"admin:{model._meta.db_table}_changelist") + query


def _at_stage(
    kinds: Iterable[Kind], stage: Status, order: str, now: datetime
) -> tuple[list[Line], list[Whole]]:
    """Return the first rows of several kinds at a stage, in the order of a moment."""
    lines, wholes = [], []
    for kind in kinds:
        rows, count = _first(kind.rows().filter(at_stage(stage, now)).order_by(order, "pk"))
        lines += [
            Line(str(row), _page(row), row._meta.verbose_name, moment=getattr(row, order))
            for row in rows
        ]
        wholes.append(Whole(kind.title, _list(kind.model, f"?stage={stage}{kind.query}"), count))
    lines.sort(key=lambda line: line.moment or now)
    return lines[:SHOWN], wholes


def _due(kinds: Iterable[Kind], now: datetime) -> Section:
    lines, wholes = _at_stage(kinds, Status.SCHEDULED, "published_at", now)
    return Section("due", "Due next", "Nothing is scheduled.", lines, wholes)


def _waiting(kinds: Iterable[Kind], now: datetime) -> Section:
    lines, wholes = _at_stage(kinds, Status.IN_REVIEW, "updated_at", now)
    return Section("waiting", "Waits for review", "Nothing waits for review.", lines, wholes)


def _incomplete() -> Section:
    rows, count = _first(
        with_verdicts(lacking_verdicts(Tool.objects))
        .only("name")
        .order_by(F("published_at").desc(nulls_last=True), "-pk")
    )
    lines = []
    for tool in rows:
        strip = strip_of(tool)
        lines.append(
            Line(tool.name, _page(tool), note=f"Missing: {named(strip.missing)}", strip=strip)
        )
    whole = Whole("Tools", _list(Tool, "?missing=any"), count)
    return Section(
        "incomplete", "Verdicts missing", "Every tool has four verdicts.", lines, [whole]
    )


def _stale(today: date) -> Section:
    days = PRICE_MAX_AGE.days
    prices = Price.objects.stale(today).filter(plan__tool=OuterRef("pk")).order_by()
    oldest = prices.values("plan__tool").annotate(oldest=Min("checked_on")).values("oldest")
    rows, count = _first(
        Tool.objects.with_stale_prices()
        .only("name")
        .annotate(checked_on=Subquery(oldest))
        .order_by("checked_on", "pk")
    )
    lines = [
        Line(tool.name, _page(tool), note="Last checked", moment=tool.checked_on) for tool in rows
    ]
    whole = Whole("Tools", _list(Tool, "?prices=stale"), count)
    empty = f"Every price was checked in the last {days} days."
    return Section("stale", f"Prices not checked for {days} days", empty, lines, [whole])


def _unindexable(now: datetime) -> Section:
    rows, count = _first(Comparison.objects.unindexable(now).for_desk().newest())
    lines = [Line(str(pair), _page(pair), note=" ".join(comparison_lacks(pair))) for pair in rows]
    whole = Whole("Comparisons", _list(Comparison, "?indexable=no"), count)
    empty = "Search engines may list every published comparison."
    return Section("unindexable", "Not for search engines yet", empty, lines, [whole])


def _flipped(now: datetime) -> Section:
    rows, count = _first(flipped(now - WEEK))
    lines = [_flip(revision) for revision in rows]
    whole = Whole("Reviews", _list(Review, "?flipped=week"), count)
    return Section("flipped", "Flipped this week", "No verdict flipped this week.", lines, [whole])


def _flip(revision: Revision) -> Line:
    review = revision.review
    turn = f"{Verdict(revision.previous_verdict).label} → {Verdict(revision.verdict).label}"
    note = f"{turn}. {revision.reason}".strip()
    return Line(str(review), _page(review), note=note, moment=revision.public_from)


def _acts() -> Section:
    acts = list(Act.objects.all()[:SHOWN])
    lines = [
        Line(
            act.name,
            reverse(f"admin:{act.kind}_change", args=[act.row_id]),
            str(act.get_after_display()).lower(),
            note=f"by {act.by or 'the command line'}",
            moment=act.acted_at,
        )
        for act in acts
    ]
    whole = Whole("All acts", _list(Act))
    return Section("acts", "Latest acts", "Nothing has been published yet.", lines, [whole])
