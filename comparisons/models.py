"""What an editor wrote about a pair of tools."""

from django.db import models
from django.db.models import F
from django.db.models.functions import Greatest, Least

from tools.markdown import MarkdownField, RenderedMarkdownField
from tools.models import Tool
from tools.status import Publishable, move_triggers, publishing_permissions
from tools.triggers import versions_kept

from .lineups import lineup_address
from .querysets import ComparisonQuerySet


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
        ]

    def __str__(self) -> str:
        return f"{self.left} vs {self.right}"

    def get_absolute_url(self) -> str:
        return self.address

    @property
    def address(self) -> str:
        """Where it stands."""
        return lineup_address(self.left.slug, self.right.slug)
