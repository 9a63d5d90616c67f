"""The one way in which reviews are written: what stands, its revisions and the panel, in one go."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db import transaction
from django.utils import timezone

from tools.markdown import render_markdown
from tools.models import Tool
from tools.sequences import continuation

from .models import Panel, Review, Revision
from .scorecards import Evidence, Scorecard

Change = Literal["added", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a persona now says of a tool. What is None stays as it was, or takes its default."""

    tool_id: int
    persona: str
    verdict: str
    score: int | None
    body: str
    evidence: str | None = None
    reviewed_on: date | None = None
    reason: str | None = None

    def repeats(self, text: Review | Revision) -> bool:
        """Whether the text says the same already."""
        return (
            (self.verdict, self.score, self.body) == (text.verdict, text.score, text.body)
            and self.evidence in (None, text.evidence)
            and self.reviewed_on in (None, text.reviewed_on)
            and self.reason in (None, text.reason)
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one tool's persona; the verdict before is empty where there was no review."""

    tool_id: int
    persona: str
    change: Change
    previous_verdict: str
    verdict: str


def record_reviews(statements: Iterable[Statement]) -> list[Written]:
    """Write statements, in their order, as revisions of the reviews they belong to.

    Several statements on one tool by one persona are its history, oldest first. What is said
    already adds nothing, so recording the same again changes nothing. Runs in one transaction
    and locks the tools, so that two writers come one after the other.

    Returns what became of each tool's persona, in the order of their first statement. Raises
    IntegrityError where a statement breaks a promise of the tables (a score of 101, say).
    """
    wanted: dict[tuple[int, str], list[Statement]] = defaultdict(list)
    for statement in statements:
        wanted[statement.tool_id, statement.persona].append(statement)
    tool_ids = sorted({tool_id for tool_id, _ in wanted})
    with transaction.atomic():
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
            revisions += [
                _revise(review, said, number) for number, said in enumerate(news, len(history) + 1)
            ]
            change: Literal["added", "changed", "unchanged"]
            change = "unchanged" if not news else "changed" if history else "added"
            written.append(Written(tool_id, persona, change, previous_verdict, review.verdict))
        _save(added, changed, revisions)
        # Where nothing was said anew, nothing is written.
        refresh_panels([review.tool_id for review in (*added, *changed)])
    return written


def _revise(review: Review, said: Statement, number: int) -> Revision:
    """Make the review say what was said, and return that as a revision; neither is saved."""
    previous_verdict = review.verdict
    review.verdict, review.score, review.body = said.verdict, said.score, said.body
    review.evidence = said.evidence or review.evidence or Evidence.RESEARCHED
    review.reviewed_on = said.reviewed_on or timezone.localdate()
    review.reason = said.reason or ""
    return Revision(
        review=review,
        number=number,
        previous_verdict=previous_verdict,
        verdict=review.verdict,
        score=review.score,
        body=review.body,
        evidence=review.evidence,
        reviewed_on=review.reviewed_on,
        reason=review.reason,
    )


def _save(added: list[Review], changed: list[Review], revisions: list[Revision]) -> None:
    Review.objects.bulk_create(added, batch_size=500)
    for review in changed:
        review.body_html = render_markdown(review.body)
    fields = ["verdict", "score", "body", "body_html", "evidence", "reviewed_on", "reason"]
    Review.objects.bulk_update(changed, fields, batch_size=500)
    for revision in revisions:
        revision.review_id = revision.review.pk
    Revision.objects.bulk_create(revisions, batch_size=500)


def refresh_panels(tool_ids: Sequence[int]) -> None:
    """Recompute the kept panels of these tools from their reviews; call it in a transaction."""
    reviews: dict[int, list[Review]] = defaultdict(list)
    for review in Review.objects.filter(tool__in=tool_ids).only(
        "tool_id", "persona", "verdict", "score", "reviewed_on", "reviewed_on"
    ):
        reviews[review.tool_id].append(review)
    panels = []
    for tool_id, of_tool in reviews.items():
        card = Scorecard.of(of_tool)
        panels.append(
            Panel(
                tool_id=tool_id,
                cells=card.strip.cells,
                outcome=card.strip.outcome,
                ships=card.strip.ships,
                mean_score=card.mean_score,
                reviewed_on=max(review.reviewed_on for review in of_tool),
                contest=card.contest,
            )
        )
    Panel.objects.bulk_create(
        panels,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["tool"],
        update_fields=["cells", "outcome", "ships", "mean_score", "reviewed_on", "contest"],
    )
