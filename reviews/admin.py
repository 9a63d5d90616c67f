"""Tools with their panel, and reviews, in the editors' desk. Saving a review adds a revision."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from tools.admin import PlanInline
from tools.desk import PublishableAdmin
from tools.history import back_to
from tools.models import Tool
from tools.status import Status
from tools.versions import VersionedForm

from . import vote_admin  # noqa: F401 - registers the votes
from .models import Review
from .publishing import move_review, move_tool
from .writing import Statement, record_reviews


@admin.register(Tool)
class ToolAdmin(PublishableAdmin):
    """A tool with its plans and its panel."""

    fields = [
        ("name", "slug"), ("vendor", "category"), "tagline", "description",
        ("website", "released_on"), "why",
    ]  # fmt: skip
    list_display = ["name", "vendor", "category", "stage_text", "published_at"]
    list_filter = ["status", "category"]
    list_select_related = ["vendor", "category"]
    search_fields = ["name", "slug"]
    autocomplete_fields = ["vendor", "category"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [PlanInline]

    def move_row(self, row: Tool, to: Status, **how: Any) -> None:
        move_tool(row, to, **how)


class ReviewForm(VersionedForm):
    """A review. Changing what it says asks for a reason of this change, which readers see."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["reason"] = ""  # the last change's reason is not this one's

    def clean(self) -> dict[str, Any]:
        """Ask for the reason when verdict or score differ from what stands."""
        cleaned = super().clean() or {}
        if self.instance.pk and not cleaned.get("reason"):
            changed = {"verdict", "score"} & set(self.changed_data)
            if changed:
                self.add_error("reason", f"Say why the {' and '.join(sorted(changed))} changed.")
        return cleaned


@admin.register(Review)
class ReviewAdmin(PublishableAdmin):
    """One persona on one tool."""

    form = ReviewForm
    fields = [
        ("tool", "persona"), ("verdict", "score"), "body", ("evidence", "reviewed_on"), "reason",
    ]  # fmt: skip
    list_display = ["tool", "persona", "verdict", "score", "stage_text", "reviewed_on"]
    list_filter = ["status", "persona", "verdict", "evidence"]
    list_select_related = ["tool"]
    search_fields = ["tool__name"]
    autocomplete_fields = ["tool"]

    def lock(self, pk: Any) -> None:
        """Lock the review's tool, as every writer of reviews does."""
        tools: Any = Tool.objects.filter(reviews=pk)
        tools.select_for_update(no_key=True, of=("self",)).values("pk").first()

    def needs_reason(self, row: Review) -> bool:
        return row.is_public

    def go_back(self, row: Review, version: Any, *, by: Any, reason: str) -> None:
        """Say again what a revision says, as a new one; readers are told why verdicts change."""
        changes = (row.verdict, row.score) != (version.verdict, version.score)
        if row.is_public and changes and not reason:
            raise ValidationError("Say why the verdict or score changes; readers see it.")
        said = Statement(
            tool_id=row.tool_id,
            persona=row.persona,
            reason=reason or back_to(version),
            **version.content,
        )
        record_reviews([said], by=by)

    def preview_address(self, row: Review) -> str | None:
        """Return a link to its tool as that will look."""
        return super().preview_address(row.tool)

    def move_row(self, row: Review, to: Status, **how: Any) -> None:
        move_review(row, to, **how)

    def get_readonly_fields(self, request: HttpRequest, obj: Review | None = None) -> list[str]:
        return ["tool", "persona"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Review | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Review, form: Any, change: bool) -> None:
        """Record what the form says, instead of writing over the review."""
        record_reviews(
            [
                Statement(
                    tool_id=obj.tool_id,
                    persona=obj.persona,
                    verdict=obj.verdict,
                    score=obj.score,
                    body=obj.body,
                    evidence=obj.evidence,
                    reviewed_on=obj.reviewed_on,
                    reason=obj.reason or None,
                    status=None if change else Status.DRAFT,
                )
            ],
            by=request.user,
        )
        obj.pk = Review.objects.only("pk").get(tool=obj.tool_id, persona=obj.persona).pk
