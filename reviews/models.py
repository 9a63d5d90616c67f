"""Opinions: what each persona says of each tool, everything they said before, and the panel."""

import pgtrigger
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tools.markdown import MarkdownField, RenderedMarkdownField
from tools.models import Tool, validate_not_ahead
from tools.triggers import kept_with

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


class Review(ReviewText):
    """One persona on one tool, as it stands. Written by `reviews.writing` alone."""

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="reviews")
    persona = models.CharField(max_length=8, choices=Persona.choices)
    body_html = RenderedMarkdownField(source="body")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            *ReviewText.Meta.constraints,
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
        ]

    def __str__(self) -> str:
        return f"{self.get_persona_display()} on {self.tool}"

    @property
    def changes(self) -> list["Revision"]:
        """The versions that changed verdict or score, and the first, the newest one first.

        Empty while neither ever changed; a version that only words its argument anew is none.
        """
        changes: list[Revision] = []
        for revision in self.revisions.all():
            stance = revision.verdict, revision.score
            if not changes or stance != (changes[-1].verdict, changes[-1].score):
                changes.append(revision)
        return changes[::-1] if len(changes) > 1 else []


class Revision(ReviewText):
    """A review as it was written at one time. Append-only: the database keeps it as it is."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(help_text="Counts from 1 within a review.")
    previous_verdict = models.CharField(max_length=4, choices=Verdict.choices, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ["review", "number"]
        constraints = [
            *ReviewText.Meta.constraints,
            models.UniqueConstraint(
                fields=["review", "number"], name="reviews_revision_number_unique"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-recorded_at", "-id"],
                name="reviews_revision_reversals",
                condition=~Q(previous_verdict="") & ~Q(previous_verdict=F("verdict")),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="revision_append_only"),
            kept_with("reviews_review", "review_id", name="revision_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.review}, revision {self.number}"


class Panel(models.Model):
    """What a tool's current reviews add up to, kept so that lists can filter and sort by it.

    Derived: `reviews.writing` recomputes it from the scorecard whenever a review is written.
    """

    tool = models.OneToOneField(Tool, models.CASCADE, related_name="panel", primary_key=True)
    cells = models.CharField(max_length=4)
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    ships = models.PositiveSmallIntegerField()
    mean_score = models.FloatField(null=True)
    reviewed_on = models.DateField(help_text="The day of the newest review.")
    contest = models.PositiveSmallIntegerField(
        help_text="How much the personas disagree: the outvoted side’s size, then the score gap."
    )

    objects = PanelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="reviews_panel_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(cells__regex=r"^[sx-]{4}$"), name="reviews_panel_cells_shape"
            ),
        ]
        indexes = [
            models.Index(
                F("ships").desc(),
                F("mean_score").desc(nulls_last=True),
                "tool",
                name="reviews_panel_ranking",
            ),
            models.Index(fields=["-contest", "-tool"], name="reviews_panel_contest"),
            models.Index(fields=["-reviewed_on", "-tool"], name="reviews_panel_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.tool}: {self.get_outcome_display()}"

    @property
    def strip(self) -> PanelStrip:
        """The four verdicts."""
        return PanelStrip.parse(self.cells)
