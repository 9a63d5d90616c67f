"""How far a page has come: its status, which moves it may make, and the rows that readers see."""

from datetime import datetime
from typing import Any

import pgtrigger
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Status(models.TextChoices):
    """One enum for everything that is published: tools, reviews and comparisons."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    SCHEDULED = "scheduled", "Scheduled"
    PUBLISHED = "published", "Published"
    WITHDRAWN = "withdrawn", "Withdrawn"


#: Readers see these from their moment on. What is scheduled needs nobody to appear at its minute,
#: because that minute is part of every query.
APPEARING = (Status.SCHEDULED, Status.PUBLISHED)

#: Which status may follow which. The database refuses every other move (`move_triggers`). What
#: readers have seen is withdrawn, never unmade.
MOVES: dict[Status, tuple[Status, ...]] = {
    Status.DRAFT: (Status.IN_REVIEW, Status.SCHEDULED, Status.PUBLISHED),
    Status.IN_REVIEW: (Status.DRAFT, Status.SCHEDULED, Status.PUBLISHED),
    Status.SCHEDULED: (Status.DRAFT, Status.IN_REVIEW, Status.PUBLISHED),
    Status.PUBLISHED: (Status.WITHDRAWN,),
    Status.WITHDRAWN: (Status.DRAFT, Status.SCHEDULED, Status.PUBLISHED),
}


def stage_of(status: str, published_at: datetime | None, at: datetime | None = None) -> Status:
    """Return how far something has come at a moment, now if none is given.

    That is its status, but what is scheduled counts as published once its minute has come.
    """
    due = published_at is not None and published_at <= (at or timezone.now())
    return Status.PUBLISHED if status == Status.SCHEDULED and due else Status(status)


class Publishable(models.Model):
    """What readers see from `published_at` on, while its status says so."""

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="From when on readers see it."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values),
                name="%(app_label)s_%(class)s_status_known",
                violation_error_message="This status does not exist.",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=APPEARING) | Q(published_at__isnull=False),
                name="%(app_label)s_%(class)s_published_at_set",
                violation_error_message="What is published or scheduled says from when on.",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row; publishing it dates it."""
        self.date_publication()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Date a publication before a form looks at the constraints."""
        super().clean()
        self.date_publication()

    @property
    def stage(self) -> Status:
        """How far it has come by now: see `stage_of`."""
        return stage_of(self.status, self.published_at)

    @property
    def is_public(self) -> bool:
        """Whether readers may see the row itself now: `is_published`, for one row."""
        return self.stage == Status.PUBLISHED

    @property
    def needs(self) -> list[str]:
        """What it lacks and may not be published without, in sentences."""
        return []

    @property
    def versions(self) -> models.QuerySet[Any]:
        """Everything that the row ever said, oldest first. A review has revisions instead."""
        versions: Any = apps.get_model("tools", "Version").objects
        return versions.filter(kind=self._meta.db_table, row_id=self.pk).order_by("pk")

    def become(self, to: Status, at: datetime | None = None) -> None:
        """Take a status, unsaved; `at` is the moment from which something scheduled appears.

        What was public before goes back to its old place in the lists when it is published again.
        Raises ValidationError for a move that MOVES does not have.
        """
        check_move(self.stage, to)
        now = timezone.now()
        if to == Status.SCHEDULED:
            self.published_at = at or self.published_at
        elif to == Status.PUBLISHED and not self._has_appeared(now):
            self.published_at = now
        elif to in (Status.DRAFT, Status.IN_REVIEW) and not self._has_appeared(now):
            self.published_at = None
        self.status = to

    def _has_appeared(self, now: datetime) -> bool:
        return self.published_at is not None and self.published_at <= now

    def date_publication(self) -> None:
        """Date what is published, and call it scheduled while that date lies ahead."""
        if self.status != Status.PUBLISHED:
            return
        now = timezone.now()
        if self.published_at is None:
            self.published_at = now
        elif self.published_at > now:
            self.status = Status.SCHEDULED


def is_published(at: datetime | None = None, prefix: str = "") -> Q:
    """Return the condition that a row, reached over `prefix`, is public at a moment or now."""
    return Q(
        **{
            f"{prefix}status__in": APPEARING,
            f"{prefix}published_at__lte": at or timezone.now(),
        }
    )


def at_stage(stage: Status, at: datetime | None = None) -> Q:
    """Return the condition that a row has come so far at a moment or now: `stage_of`, in SQL."""
    at = at or timezone.now()
    if stage == Status.PUBLISHED:
        return is_published(at)
    if stage == Status.SCHEDULED:
        return Q(status=stage, published_at__gt=at)
    return Q(status=stage)


def check_move(before: Status, after: Status) -> None:
    """Raise a ValidationError when what stands at `before` may not become `after`."""
    if after != before and after not in MOVES[before]:
        raise ValidationError(
            f"What is {before.label.lower()} cannot become {after.label.lower()}.", code="move"
        )


def publishing_permissions(model: str) -> list[tuple[str, Any]]:
    """Return the permissions that a model has beside Django's own."""
    return [
        (f"publish_{model}", f"Can publish and withdraw a {model}"),
        (f"schedule_{model}", f"Can schedule a {model}"),
    ]


def move_triggers(called: str) -> list[pgtrigger.Trigger]:
    """Return what the database does when a status changes, whoever changes it.

    One trigger refuses the moves that MOVES does not have. The other writes down every act that
    concerns readers, in the transaction that does it. `called` is the SQL for the row's name.
    """
    allowed = ", ".join(
        f"('{before}', '{after}')" for before, moves in MOVES.items() for after in moves
    )
    return [
        pgtrigger.Trigger(
            name="status_moves",
            when=pgtrigger.Before,
            operation=pgtrigger.UpdateOf("status", "published_at"),
            declare=[("before", "text")],
            func=f"""
                before := CASE
                    WHEN OLD.status = 'scheduled' AND OLD.published_at <= clock_timestamp()
                    THEN 'published' ELSE OLD.status END;
                IF NEW.status <> OLD.status AND NEW.status <> before
                    AND (before, NEW.status) NOT IN ({allowed})
                THEN
                    RAISE EXCEPTION 'What is % cannot become %.', before, NEW.status
                        USING ERRCODE = 'check_violation';
                END IF;
                IF before = 'published' AND NEW.status IN ('scheduled', 'published')
                    AND NEW.published_at > clock_timestamp()
                THEN
                    RAISE EXCEPTION 'What readers see cannot be put off; withdraw it first.'
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            """,
        ),
        pgtrigger.Trigger(
            name="status_acts",
            when=pgtrigger.After,
            operation=pgtrigger.Insert | pgtrigger.UpdateOf("status", "published_at"),
            declare=[("before", "text")],
            # `called` is SQL of ours.
            # What appeared at its minute was published by the clock, not by who writes it next.
            func=f"""
                before := CASE
                    WHEN OLD.status = 'scheduled' AND OLD.published_at <= clock_timestamp()
                    THEN 'published' ELSE OLD.status END;
                IF (NEW.status IS DISTINCT FROM before AND NEW.status IS DISTINCT FROM OLD.status
                    AND (NEW.status NOT IN ('draft', 'in_review')
                         OR before NOT IN ('draft', 'in_review')))
                    OR (NEW.status = 'scheduled'
                        AND NEW.published_at IS DISTINCT FROM OLD.published_at)
                THEN
                    INSERT INTO tools_act
                        (kind, row_id, name, before, after, published_at, by, reason, acted_at)
                    VALUES (TG_TABLE_NAME, NEW.id, {called}, coalesce(before, ''), NEW.status,
                        NEW.published_at,
                        coalesce(current_setting('shiporskip.by', true), ''),
                        coalesce(current_setting('shiporskip.reason', true), ''),
                        clock_timestamp());
                END IF;
                RETURN NULL;
            """,  # noqa: S608 - SQL of ours
        ),
    ]
