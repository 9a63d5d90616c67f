"""The one way in which reviews are written: what stands, its revisions and the panel, in one go."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Self

from django.core.exceptions import ValidationError
from django.utils import timezone

from tools.markdown import render_markdown
from tools.models import Tool
from tools.publishing import acting
from tools.sequences import continuation
from tools.status import APPEARING, Status, stage_of

from .models import PanelPeriod, Review, Revision
from .scorecards import Evidence, Scorecard

Change = Literal["added", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a persona now says of a tool. What is None stays as it was, or takes its default.

    A review that is new is published, unless its statement says otherwise; one that is scheduled
    says from when on.
    """

    tool_id: int
    persona: str
    verdict: str
    score: int | None
    body: str
    evidence: str | None = None
    reviewed_on: date | None = None
    reason: str | None = None
    status: str | None = None
    published_at: datetime | None = None

    @classmethod
    def of(cls, review: Review, **changes: Any) -> Self:
        """Return what a review says, saved or not, with changes."""
        # A new review may have been made before its tool was saved.
        said = {"tool_id": review.tool_id or review.tool.pk, "reason": review.reason or None}
        for name in ("persona", "verdict", "score", "body", "evidence", "reviewed_on"):
            said[name] = getattr(review, name)
        return cls(**said | changes)

    @property
    def stage(self) -> Status | None:
        """How far the review comes by this: its status, unless its minute has come already."""
        return stage_of(self.status, self.published_at) if self.status else None

    def repeats(self, text: Revision) -> bool:
        """Whether the text says the same already."""
        return (
            (self.verdict, self.score, self.body) == (text.verdict, text.score, text.body)
            and self.evidence in (None, text.evidence)
            and self.reviewed_on in (None, text.reviewed_on)
            and self.reason in (None, text.reason)
            and self.stage in (None, text.stage)
            and (self.stage != Status.SCHEDULED or self.published_at == text.public_from)
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one tool's persona; the verdict before is empty where there was no review."""

    tool_id: int
    persona: str
    change: Change
    previous_verdict: str
    verdict: str


class ReviewMoveError(ValidationError):
    """The review by `persona` of the tool `tool_id` cannot take the status that it is told."""

    def __init__(self, message: str, tool_id: int, persona: str) -> None:
        super().__init__(message, code="move")
        self.tool_id = tool_id
        self.persona = persona


def record_reviews(statements: Iterable[Statement], *, by: Any = None) -> list[Written]:
    """Write statements, in their order, as revisions of the reviews they belong to.

    Several statements on one tool by one persona are its history, oldest first. What is said
    already adds nothing, so recording the same again changes nothing. Runs in one transaction
    and locks the tools, so that two writers come one after the other. `by` is the user whose name
    the revisions carry; who may do what is looked at before (`reviews.publishing`).

    Returns what became of each tool's persona, in the order of their first statement. Raises
    ReviewMoveError where a review cannot take the status that it is told, and IntegrityError where
    a statement breaks a promise of the tables (a score of 101, say).
    """
    wanted: dict[tuple[int, str], list[Statement]] = defaultdict(list)
    for statement in statements:
        wanted[statement.tool_id, statement.persona].append(statement)
    tool_ids = sorted({tool_id for tool_id, _ in wanted})
    name = by.get_username() if by else ""
    with acting(by):
        # Always in the same order, so that no two writers wait for each other.
        list(
            Tool.objects.filter(pk__in=tool_ids)
            .order_by("pk")
            .select_for_update(no_key=True)
            .values_list("pk")
        )
        standing = {
            (review.tool_id, review.persona): review
            for review in Review.objects.filter(tool__in=tool_ids).prefetch_related("revisions")
        }
        written = []
        added: list[Review] = []
        changed: list[Review] = []
        revisions: list[Revision] = []
        taken_back: list[Revision] = []
        for (tool_id, persona), sequence in wanted.items():
            review = standing.get((tool_id, persona))
            history = list(review.revisions.all()) if review else []
            news = continuation(history, sequence, lambda text, said: said.repeats(text))
            previous_verdict = review.verdict if review else ""
            if review is None:
                review = Review(tool_id=tool_id, persona=persona)
                added.append(review)
            elif news:
                changed.append(review)
            if news:
                taken_back += [text for text in history if text.public_from and not text.is_public]
                for said in news:
                    history.append(_revise(review, said, history, name))
                    revisions.append(history[-1])
            change: Literal["added", "changed", "unchanged"]
            change = "unchanged" if not news else "changed" if review.pk else "added"
            written.append(Written(tool_id, persona, change, previous_verdict, review.verdict))
        _save(added, changed, revisions, taken_back)
        # Where nothing was said anew, nothing is written.
        refresh_panels([review.tool_id for review in (*added, *changed)])
    return written


def _revise(review: Review, said: Statement, history: list[Revision], by: str) -> Revision:
    """Make the review say what was said, and return that as a revision; neither is saved."""
    review.verdict, review.score, review.body = said.verdict, said.score, said.body
    review.evidence = said.evidence or review.evidence or Evidence.RESEARCHED
    review.reviewed_on = said.reviewed_on or timezone.localdate()
    review.reason = said.reason or ""
    _restage(review, said, new=not history)
    now = timezone.now()
    public_from = review.published_at if review.status in APPEARING else None
    if public_from:
        public_from = max(public_from, now)
    seen = [text for text in history if text.public_from and text.public_from <= now]
    return Revision(
        review=review,
        number=len(history) + 1,
        status=review.status,
        public_from=public_from,
        previous_verdict=seen[-1].verdict if seen and public_from else "",
        by=by,
        recorded_at=now,
        verdict=review.verdict,
        score=review.score,
        body=review.body,
        evidence=review.evidence,
        reviewed_on=review.reviewed_on,
        reason=review.reason,
    )


def _restage(review: Review, said: Statement, new: bool) -> None:
    """Move a review to the status that was said, or leave it where it is by now."""
    if not new:
        try:
            review.become(said.stage or review.stage, said.published_at)
        except ValidationError as error:
            raise ReviewMoveError(str(error.message), review.tool_id, review.persona) from error
        return
    review.status, review.published_at = said.stage or Status.PUBLISHED, said.published_at
    review.date_publication()


def _save(
    added: list[Review],
    changed: list[Review],
    revisions: list[Revision],
    taken_back: list[Revision],
) -> None:
    Review.objects.bulk_create(added, batch_size=500)
    for review in changed:
        review.body_html = render_markdown(review.body)
        review.updated_at = timezone.now()
    fields = [
        "verdict", "score", "body", "body_html", "evidence", "reviewed_on", "reason",
        "status", "published_at", "updated_at",
    ]  # fmt: skip
    Review.objects.bulk_update(changed, fields, batch_size=500)
    for revision in taken_back:
        revision.public_from = None
    Revision.objects.bulk_update(taken_back, ["public_from"], batch_size=500)
    for revision in revisions:
        revision.review_id = revision.review.pk
    Revision.objects.bulk_create(revisions, batch_size=500)


def refresh_panels(tool_ids: Sequence[int]) -> None:
    """Recompute the kept panels of these tools from their reviews; call it in a transaction.

    A review that is scheduled changes the panel at its minute, so the panel from then on is kept
    beside the one that holds until then.
    """
    now = timezone.now()
    reviews: dict[int, list[Review]] = defaultdict(list)
    for review in Review.objects.filter(tool__in=tool_ids, status__in=APPEARING).only(
        "tool_id", "persona", "verdict", "score", "reviewed_on", "published_at"
    ):
        reviews[review.tool_id].append(review)
    PanelPeriod.objects.filter(tool__in=tool_ids).delete()
    PanelPeriod.objects.bulk_create(
        [
            period
            for tool_id, of_tool in reviews.items()
            for period in _periods(tool_id, of_tool, now)
        ],
        batch_size=500,
    )


def _periods(tool_id: int, reviews: list[Review], now: datetime) -> Iterable[PanelPeriod]:
    moments = {review.published_at for review in reviews if review.published_at}
    ahead = sorted(moment for moment in moments if moment > now)
    for since, until in zip([None, *ahead], [*ahead, None], strict=True):
        at = since or now
        standing = [
            review for review in reviews if review.published_at and review.published_at <= at
        ]
        if not standing:
            continue
        card = Scorecard.of(standing)
        yield PanelPeriod(
            tool_id=tool_id,
            since=since,
            until=until,
            cells=card.strip.cells,
            outcome=card.strip.outcome,
            ships=card.strip.ships,
            mean_score=card.mean_score,
            reviewed_on=max(review.reviewed_on for review in standing),
            contest=card.contest,
        )
