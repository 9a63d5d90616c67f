"""How far a tool or a comparison has come, and the rows that readers may see."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Status(models.TextChoices):
    """One enum for every page that can be published."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Publishable(models.Model):
    """A page of its own, which readers see from `published_at` on while its status says so."""

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="Set when it is published; a later moment waits for it."
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
                condition=~Q(status=Status.PUBLISHED) | Q(published_at__isnull=False),
                name="%(app_label)s_%(class)s_published_at_set",
                violation_error_message="What is published says since when.",
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
    def is_public(self) -> bool:
        """Whether readers may see the row itself now: `is_published`, for one row."""
        since = self.published_at
        return self.status == Status.PUBLISHED and since is not None and since <= timezone.now()

    def date_publication(self) -> None:
        """Fill in `published_at` when a published page has none yet."""
        if self.status == Status.PUBLISHED and self.published_at is None:
            self.published_at = timezone.now()


def is_published(at: datetime | None = None, prefix: str = "") -> Q:
    """Return the condition that a row, reached over `prefix`, is public at a moment or now."""
    return Q(
        **{
            f"{prefix}status": Status.PUBLISHED,
            f"{prefix}published_at__lte": at or timezone.now(),
        }
    )
