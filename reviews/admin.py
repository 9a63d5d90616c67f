"""Reviews in the editors' admin. Saving one appends a revision; nothing is lost."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from .models import Review, Revision
from .writing import Statement, record_reviews


class RevisionInline(admin.TabularInline):
    """What the review said before, to read."""

    model = Revision
    fields = ["number", "recorded_at", "verdict", "score", "reason"]
    readonly_fields = ["number", "recorded_at", "verdict", "score", "reason"]
    ordering = ["-number"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReviewForm(forms.ModelForm):
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
class ReviewAdmin(admin.ModelAdmin):
    """One persona on one tool."""

    form = ReviewForm
    fields = [
        ("tool", "persona"), ("verdict", "score"), "body", ("evidence", "reviewed_on"), "reason",
    ]  # fmt: skip
    list_display = ["tool", "persona", "verdict", "score", "reviewed_on"]
    list_filter = ["persona", "verdict", "evidence"]
    list_select_related = ["tool"]
    search_fields = ["tool__name"]
    autocomplete_fields = ["tool"]
    inlines = [RevisionInline]
    show_full_result_count = False

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
                )
            ]
        )
        obj.pk = Review.objects.only("pk").get(tool=obj.tool_id, persona=obj.persona).pk
