"""Who gets the digest, what it says each week, and what became of every single mail."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tools.markdown import MarkdownField, RenderedMarkdownField
from tools.models import Category
from tools.triggers import change_noted

from . import lanes, outbox  # noqa: F401 - their models are this app's
from .addresses import MAX_LENGTH
from .querysets import DeliveryQuerySet, EditionQuerySet, SubscriberQuerySet, SuppressionQuerySet

#: An ISO 8601 week: 2026-W47.
WEEK = r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$"
#: What a normal address looks like, as far as the database can watch over it.
ADDRESS = r"^[^\s@A-Z]+@[^\s@A-Z]+$"


class Standing(models.TextChoices):
    """How somebody stands to the digest."""

    PENDING = "pending", "Pending"
    ACTIVE = "active", "Active"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"


class Subscriber(models.Model):
    """Somebody who asked for the digest. Written by `consent` and `listing` alone."""

    email = models.CharField(max_length=MAX_LENGTH, unique=True)
    fingerprint = models.BinaryField(max_length=32, unique=True, help_text="See `addresses`.")
    status = models.CharField(max_length=12, choices=Standing.choices, default=Standing.PENDING)
    topics = models.ManyToManyField(
        Category, blank=True, related_name="+", help_text="None means all."
    )
    source = models.CharField(max_length=200, help_text="Where they asked for it.")
    asked_at = models.DateTimeField(default=timezone.now)
    confirm_sent_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True, help_text="When they confirmed.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When they left.")

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [("export_subscriber", "Can export and import the list of subscribers")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Standing.values), name="digest_subscriber_status_known"
            ),
            models.CheckConstraint(
                condition=Q(email__regex=ADDRESS),
                name="digest_subscriber_address_normal",
                violation_error_message="An address is kept in lower case, without spaces.",
            ),
            models.CheckConstraint(
                condition=~Q(status=Standing.ACTIVE) | Q(consented_at__isnull=False),
                name="digest_subscriber_consented",
                violation_error_message="Nobody is on the list without having agreed to it.",
            ),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="digest_subscriber_by_status")]

    def __str__(self) -> str:
        return self.email


class SuppressionReason(models.TextChoices):
    """Why an address gets no mail from us."""

    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"
    DELETED = "deleted", "Deleted by its owner"
    ASKED = "asked", "Asked for it"


class Suppression(models.Model):
    """An address that gets no mail from us, known only by its keyed hash.

    It is looked at before every confirm mail and every delivery.
    """

    fingerprint = models.BinaryField(max_length=32, unique=True)
    reason = models.CharField(max_length=10, choices=SuppressionReason.choices)
    suppressed_at = models.DateTimeField(default=timezone.now)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering = ["-suppressed_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reason__in=SuppressionReason.values),
                name="digest_suppression_reason_known",
            ),
        ]
        indexes = [models.Index(fields=["-suppressed_at", "-id"], name="digest_suppression_newest")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, {self.suppressed_at:%-d %b %Y}"


class SignUp(models.Model):
    """A form that somebody sent, whoever it is. A worker answers it (`consent.answer_sign_ups`).

    The page that takes the form does nothing but write this row, so that its answer and its time
    are the same for a new, a known and a suppressed address. What remains when it is answered
    counts against the limits, and holds no address.
    """

    email = models.CharField(max_length=MAX_LENGTH, blank=True)
    topics = ArrayField(models.BigIntegerField(), default=list, blank=True)
    source = models.CharField(max_length=200, blank=True)
    client = models.BinaryField(
        max_length=16, null=True, help_text="See `reviews.client_addresses`."
    )
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    next_try = models.DateTimeField(default=timezone.now, help_text="Not before this moment.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | Q(email=""),
                name="digest_signup_forgotten_when_answered",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="digest_signup_waiting", condition=Q(answered_at__isnull=True)
            ),
            models.Index(fields=["asked_at"], name="digest_signup_recent"),
        ]

    def __str__(self) -> str:
        return f"Asked at {self.asked_at:%Y-%m-%d %H:%M}"


class Stage(models.TextChoices):
    """How far an edition has come."""

    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Approved"
    SENDING = "sending", "Sending"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


#: What an edition may become from where it stands. The database keeps it too.
MOVES = {
    Stage.DRAFT: (Stage.APPROVED, Stage.CANCELLED),
    Stage.APPROVED: (Stage.DRAFT, Stage.SENDING, Stage.CANCELLED),
    Stage.SENDING: (Stage.PAUSED, Stage.DONE, Stage.CANCELLED),
    Stage.PAUSED: (Stage.SENDING, Stage.CANCELLED),
    Stage.DONE: (Stage.SENDING,),  # for an unknown delivery that is sent again
    Stage.CANCELLED: (),
}
#: The stages at which readers may see an edition in the archive.
PUBLIC = (Stage.SENDING, Stage.PAUSED, Stage.DONE)
#: What is frozen when an edition is approved.
FROZEN = ("week", "subject", "intro", "content", "html", "text", "digest")


def check_move(before: str, after: str) -> None:
    """Raise a ValidationError when an edition that stands at `before` may not become `after`."""
    if after not in MOVES[Stage(before)]:
        raise ValidationError(
            f"What is {Stage(before).label.lower()} cannot become {Stage(after).label.lower()}.",
            code="move",
        )


def _edition_triggers() -> list[pgtrigger.Trigger]:
    allowed = ", ".join(
        f"('{before}', '{after}')" for before, moves in MOVES.items() for after in moves
    )
    new, old = (", ".join(f"{row}.{column}" for column in FROZEN) for row in ("NEW", "OLD"))
    return [
        pgtrigger.Trigger(
            name="edition_moves",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            func=f"""
                IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN ({allowed}) THEN
                    RAISE EXCEPTION 'An edition that is % cannot become %.', OLD.status, NEW.status
                        USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.status <> 'draft' AND NEW.status <> 'draft'
                    AND ({new}) IS DISTINCT FROM ({old})
                THEN
                    RAISE EXCEPTION 'What an approved edition says is frozen.'
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            """,
        ),
        pgtrigger.Trigger(
            name="edition_kept",
            when=pgtrigger.Before,
            operation=pgtrigger.Delete,
            func="""
                IF OLD.started_at IS NOT NULL THEN
                    RAISE EXCEPTION 'An edition that went out is kept.'
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN OLD;
            """,
        ),
    ]


class Edition(models.Model):
    """One week's digest. Moved by `editions` alone.

    What it says is put together when the draft is made (`content`) and frozen when it is approved:
    `html` and `text` are what stands in every mail and in the archive, byte for byte.
    """

    week = models.CharField(max_length=8, unique=True, help_text="ISO week: 2026-W47.")
    status = models.CharField(max_length=9, choices=Stage.choices, default=Stage.DRAFT)
    subject = models.CharField(max_length=150)
    intro = MarkdownField("introduction", blank=True, help_text="Markdown, above everything else.")
    intro_html = RenderedMarkdownField(source="intro")
    since = models.DateTimeField(help_text="What changed after this moment is in it …")
    until = models.DateTimeField(help_text="… up to this one.")
    content = models.JSONField(default=dict, help_text="See `content.Content`.")
    html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of html and text.")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="From when on it is sent.")
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=300, blank=True)
    recipients = models.PositiveIntegerField(default=0, help_text="Frozen when it started.")
    forgotten_at = models.DateTimeField(
        null=True, blank=True, help_text="When its deliveries’ addresses were deleted."
    )

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering = ["-week"]
        permissions = [("send_edition", "Can approve, pause and cancel an edition")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Stage.values), name="digest_edition_status_known"
            ),
            models.CheckConstraint(
                condition=Q(week__regex=WEEK),
                name="digest_edition_week_shape",
                violation_error_message="A week is written like 2026-W47.",
            ),
            models.CheckConstraint(
                condition=~Q(subject=""),
                name="digest_edition_subject",
                violation_error_message="A subject is needed.",
            ),
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="digest_edition_period"),
            models.CheckConstraint(
                condition=Q(status__in=[Stage.DRAFT, Stage.CANCELLED])
                | (~Q(html="") & ~Q(text="") & ~Q(digest="") & Q(starts_at__isnull=False)),
                name="digest_edition_frozen_when_approved",
                violation_error_message="What is approved is frozen and has its time.",
            ),
        ]
        triggers = [*_edition_triggers(), change_noted()]

    def __str__(self) -> str:
        return self.week

    @property
    def is_due(self) -> bool:
        """Whether it is approved and its moment has come: a worker starts it at its next look."""
        if self.status != Stage.APPROVED or self.starts_at is None:
            return False
        return self.starts_at <= timezone.now()


class DeliveryStatus(models.TextChoices):
    """What became of one mail."""

    PENDING = "pending", "Pending"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"
    UNKNOWN = "unknown", "Unknown"
    # Not in the mail's own fate: whoever left after the freeze is not written to.
    LEFT = "left", "Left before their turn"


class Delivery(models.Model):
    """One edition to one subscriber. Written by `editions`, `lanes` and `reports` alone.

    A subscriber who is deleted leaves the row behind without address, because it is counted.
    """

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="deliveries", db_index=False)
    subscriber = models.ForeignKey(
        Subscriber, models.SET_NULL, null=True, related_name="deliveries"
    )
    address = models.CharField(max_length=MAX_LENGTH, blank=True)
    topics = ArrayField(models.BigIntegerField(), default=list, help_text="Empty means all.")
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(help_text="Not before this moment.")
    first_try = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When its status became final.")
    reply = models.CharField(max_length=500, blank=True, help_text="The server’s last answer.")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "subscriber"], name="digest_delivery_once_each"
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="digest_delivery_status_known"
            ),
        ]
        indexes = [
            # Counts of an edition, and which of its deliveries is due next.
            models.Index(
                fields=["edition", "status", "next_try", "id"], name="digest_delivery_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition} to {self.address or 'somebody who left'}"
