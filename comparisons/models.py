"""What an editor wrote about a pair of tools, and the documents that wait to be imported."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from tools.markdown import MarkdownField, RenderedMarkdownField
from tools.models import Tool
from tools.status import Publishable, move_triggers, publishing_permissions
from tools.triggers import change_noted, versions_kept

from .lineups import lineup_address
from .querysets import ComparisonQuerySet

#: How long an upload waits to be applied.
KEPT = timedelta(days=1)


class Comparison(Publishable):
    """An ordered pair of tools with the editor's text. Its order is the page's canonical one."""

    left = models.ForeignKey(Tool, models.CASCADE, related_name="comparisons_as_left")
    right = models.ForeignKey(Tool, models.CASCADE, related_name="comparisons_as_right")
    summary = MarkdownField(blank=True, help_text="Markdown. What separates the two.")
    summary_html = RenderedMarkdownField(source="summary")

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~models.Q(left=F("right")),
                name="comparisons_comparison_two_tools",
                violation_error_message="A tool is not compared with itself.",
            ),
            models.UniqueConstraint(
                Least("left", "right"),
                Greatest("left", "right"),
                name="comparisons_comparison_one_per_pair",
                violation_error_message="These two tools have a comparison already.",
            ),
        ]
        indexes = [models.Index(fields=["-published_at", "-id"], name="comparisons_newest")]
        permissions = publishing_permissions("comparison")
        triggers = [
            *move_triggers(
                "(SELECT name FROM tools_tool WHERE id = NEW.left_id) || ' vs ' ||"
                " (SELECT name FROM tools_tool WHERE id = NEW.right_id)"
            ),
            versions_kept("left_id", "right_id", "summary", "status", "published_at"),
            change_noted(),
        ]

    def __str__(self) -> str:
        return f"{self.left} vs {self.right}"

    def get_absolute_url(self) -> str:
        return self.address

    @property
    def address(self) -> str:
        """Where it stands."""
        return lineup_address(self.left.slug, self.right.slug)


class UploadQuerySet(models.QuerySet["Upload"]):
    """Which uploads are still there for whom."""

    def usable_by(self, user: Any, at: datetime | None = None) -> Self:
        """Return those that this user made and may still apply."""
        kept_since = (at or timezone.now()) - KEPT
        return self.filter(user=user, uploaded_at__gt=kept_since)

    def expired(self, at: datetime | None = None) -> Self:
        """Return those that nobody may apply any more."""
        return self.filter(uploaded_at__lte=(at or timezone.now()) - KEPT)


class Upload(models.Model):
    """A catalog document between its dry run and the moment that its editor applies it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    document = models.BinaryField()
    report = models.JSONField(help_text="What the dry run said, as `Preview.report` returns it.")
    uploaded_at = models.DateTimeField(default=timezone.now)

    objects = UploadQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["uploaded_at"], name="comparisons_upload_age")]

    def __str__(self) -> str:
        return self.name

    @property
    def kept_until(self) -> datetime:
        """When it is forgotten."""
        return self.uploaded_at + KEPT
