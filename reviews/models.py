"""Opinions: what each persona says of each tool, everything they said before, and the panel."""

from typing import Any

import pgtrigger
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tools.markdown import MarkdownField, RenderedMarkdownField
from tools.models import Tool, validate_not_ahead
from tools.status import (
    Publishable,
    Status,
    move_triggers,
    publishing_permissions,
    stage_of,
)  # fmt: skip
from tools.triggers import change_noted, kept_with

from . import duels, placings, votes  # noqa: F401 - their models are this app's
from .personas import Persona
from .querysets import PanelQuerySet, ReviewQuerySet, RevisionQuerySet
from .scorecards import Evidence, Outcome, PanelStrip, Verdict


class ReviewText(models.Model):
    """What a persona says of a tool at one time; a review and each of its revisions have it."""

    verdict = models.CharField(max_length=4, choices=Verdict.choices)
    score = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text="0 to 100. Empty means that no score was given; it is not zero.",
    )
    body = MarkdownField("argument", help_text="Markdown.")
    evidence = models.CharField(
        max_length=10, choices=Evidence.choices, default=Evidence.RESEARCHED
    )
    reviewed_on = models.DateField(default=timezone.localdate, validators=[validate_not_ahead])
    reason = models.CharField(
        "reason of the change", max_length=300, blank=True, help_text="Readers see it."
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values),
                name="%(app_label)s_%(class)s_verdict_known",
                violation_error_message="A verdict is ship or skip.",
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__range=(0, 100)),
                name="%(app_label)s_%(class)s_score_range",
                violation_error_message="A score is between 0 and 100, or unknown.",
            ),
            models.CheckConstraint(
                condition=~Q(body=""),
                name="%(app_label)s_%(class)s_argued",
                violation_error_message="A verdict needs its argument.",
            ),
            models.CheckConstraint(
                condition=Q(evidence__in=Evidence.values),
                name="%(app_label)s_%(class)s_evidence_known",
                violation_error_message="This evidence label does not exist.",
            ),
        ]


class Review(ReviewText, Publishable):
    """One persona on one tool, as it stands. Written by `reviews.writing` alone.

    It counts in the panel while readers may see it.
    """

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="reviews")
    persona = models.CharField(max_length=8, choices=Persona.choices)
    body_html = RenderedMarkdownField(source="body")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        permissions = publishing_permissions("review")
        constraints = [
            *ReviewText.Meta.constraints,
            *Publishable.Meta.constraints,
            models.UniqueConstraint(
                fields=["tool", "persona"],
                name="reviews_review_one_per_tool_and_persona",
                violation_error_message="This persona has reviewed this tool already.",
            ),
            models.CheckConstraint(
                condition=Q(persona__in=Persona.values),
                name="reviews_review_persona_known",
                violation_error_message="This persona does not exist.",
            ),
        ]
        indexes = [
            models.Index(fields=["-reviewed_on", "-id"], name="reviews_review_newest"),
            models.Index(
                fields=["persona", "-reviewed_on", "-id"], name="reviews_review_by_persona"
            ),
            # The desk: which tools a persona has not written about, and what is on its way.
            models.Index(
                fields=["persona", "tool"],
                name="reviews_review_written",
                condition=~Q(status=Status.WITHDRAWN),
            ),
            models.Index(
                fields=["status", "tool"],
                name="reviews_review_on_its_way",
                condition=~Q(status=Status.PUBLISHED),
            ),
        ]
        triggers = [
            *move_triggers(
                "(SELECT name FROM tools_tool WHERE id = NEW.tool_id) || ', ' || NEW.persona"
            ),
            change_noted(),
        ]

    def __str__(self) -> str:
        return f"{self.get_persona_display()} on {self.tool}"

    @property
    def versions(self) -> models.QuerySet["Revision"]:
        """Everything that the review ever said, oldest first."""
        return self.revisions.order_by("pk")

    @property
    def changes(self) -> list["Revision"]:
        """The versions that changed verdict or score for readers, and the first; newest first.

        Empty while neither ever changed; a version that only words its argument anew is none.
        """
        changes: list[Revision] = []
        for revision in self.revisions.all():
            if not revision.is_public:
                continue
            stance = revision.verdict, revision.score
            if not changes or stance != (changes[-1].verdict, changes[-1].score):
                changes.append(revision)
        return changes[::-1] if len(changes) > 1 else []


class Revision(ReviewText):
    """A review as it was written or moved at one time. Append-only: the database keeps it.

    Only `public_from` may change: what was scheduled and then taken back never becomes public.
    """

    review = models.ForeignKey(Review, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(help_text="Counts from 1 within a review.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PUBLISHED)
    public_from = models.DateTimeField(
        null=True, help_text="From when on readers see this version; empty if they never do."
    )
    previous_verdict = models.CharField(
        max_length=4, choices=Verdict.choices, blank=True, help_text="What readers saw before."
    )
    by = models.CharField(max_length=150, blank=True, help_text="Empty: an import.")
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ["review", "number"]
        constraints = [
            *ReviewText.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="reviews_revision_status_known"
            ),
            models.UniqueConstraint(
                fields=["review", "number"], name="reviews_revision_number_unique"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-public_from", "-id"],
                name="reviews_revision_reversals",
                condition=~Q(previous_verdict="") & ~Q(previous_verdict=F("verdict")),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="revision_append_only", exclude=["public_from"]),
            kept_with("reviews_review", "review_id", name="revision_kept"),
            change_noted(),
        ]

    def __str__(self) -> str:
        return f"{self.review}, revision {self.number}"

    @property
    def content(self) -> dict[str, Any]:
        """What it says, column by column."""
        columns = ("verdict", "score", "body", "evidence", "reviewed_on")
        return {column: getattr(self, column) for column in columns}

    @property
    def is_public(self) -> bool:
        """Whether readers may see it by now."""
        return self.public_from is not None and self.public_from <= timezone.now()

    @property
    def stage(self) -> Status:
        """How far this version has come by now; one that was taken back is a draft again."""
        if self.status == Status.SCHEDULED and self.public_from is None:
            return Status.DRAFT
        return stage_of(self.status, self.public_from)


class PanelFigures(models.Model):
    """What a tool's public reviews add up to."""

    cells = models.CharField(max_length=4)
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    ships = models.PositiveSmallIntegerField()
    mean_score = models.FloatField(null=True)
    reviewed_on = models.DateField(help_text="The day of the newest review.")
    contest = models.PositiveSmallIntegerField(
        help_text="How much the personas disagree: the outvoted side’s size, then the score gap."
    )

    class Meta:
        abstract = True


class PanelPeriod(PanelFigures):
    """A tool's panel for a time: one row for now, and one more for each minute that changes it.

    Derived, and kept so that lists can filter and sort by it: `reviews.writing` recomputes it from
    the scorecards whenever a review is written. What is read is `Panel`.
    """

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="+")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="reviews_panel_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(cells__regex=r"^[sx-]{4}$"), name="reviews_panel_cells_shape"
            ),
            models.UniqueConstraint(
                fields=["tool", "since"], nulls_distinct=False, name="reviews_panel_one_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["-contest", "-tool"], name="reviews_panel_contest"),
            models.Index(fields=["-reviewed_on", "-tool"], name="reviews_panel_newest"),
        ]
        triggers = [change_noted()]

    def __str__(self) -> str:
        return f"{self.tool}: {self.get_outcome_display()} from {self.since or 'the beginning'}"


class Panel(PanelFigures):
    """The panel that holds now: a database view of `PanelPeriod`, so that time is in the query."""

    tool = models.OneToOneField(Tool, models.DO_NOTHING, related_name="panel", primary_key=True)

    objects = PanelQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "reviews_panel"

    def __str__(self) -> str:
        return f"{self.tool}: {self.get_outcome_display()}"

    @property
    def strip(self) -> PanelStrip:
        """The four verdicts."""
        return PanelStrip.parse(self.cells)
