"""Tools with their panel, and reviews, in the editors' desk. Saving a review adds a revision."""

from typing import Any

from django.contrib import admin
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from tools.admin import PlanInline
from tools.desk import PublishableAdmin
from tools.models import Tool
from tools.previewing import MARKDOWN
from tools.status import Status

from .forms import FIELDS, PanelFormSet, PersonaForm, ReviewForm
from .models import Review, Revision
from .publishing import move_review, move_tool, readiness
from .scorecards import Scorecard
from .writing import record_reviews


class PanelInline(admin.StackedInline):
    """A tool's four reviews, side by side. Each has a page of its own, to move it by itself."""

    model = Review
    form = PersonaForm
    formset = PanelFormSet
    fields = [*FIELDS]
    formfield_overrides = MARKDOWN
    template = "admin/reviews/panel.html"
    can_delete = False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.user = request.user
        return formset


@admin.register(Tool)
class ToolAdmin(PublishableAdmin):
    """A tool on one screen: facts, plans, its panel, and what it lacks for publication."""

    change_form_template = "admin/tools/tool_form.html"
    fields = [
        ("name", "slug"), ("vendor", "category"), "tagline", "description",
        ("website", "released_on"),
    ]  # fmt: skip
    list_display = ["name", "vendor", "category", "stage_text", "published_at"]
    list_filter = ["status", "category"]
    list_select_related = ["vendor", "category"]
    search_fields = ["name", "slug"]
    autocomplete_fields = ["vendor", "category"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [PlanInline, PanelInline]

    def move_row(self, row: Tool, to: Status, **how: Any) -> None:
        move_tool(row, to, **how)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Say what the tool lacks, and how its panel would look with what waits."""
        tool = context["original"]
        if tool:
            prefetch_related_objects([tool], "reviews", "plans__prices")
            ready = readiness(tool)
            context |= {
                "needs": [(sentence, ready.places[sentence]) for sentence in ready.needs],
                "would_help": [(sentence, ready.places[sentence]) for sentence in ready.would_help],
                "foreseen": Scorecard.of(
                    review for review in tool.reviews.all() if review.status != Status.WITHDRAWN
                ),
            }
        context["is_nav_sidebar_enabled"] = False  # four columns need the width
        return super().render_change_form(request, context, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Tool) -> HttpResponse:
        if "_check" in request.POST:
            self.message_user(request, f"“{obj}” is saved, and what you looked up is dated today.")
            return HttpResponseRedirect(self._address(obj) + "#plans")
        return super().response_change(request, obj)


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
    inlines = [RevisionInline]

    def move_row(self, row: Review, to: Status, **how: Any) -> None:
        move_review(row, to, **how)

    def get_readonly_fields(self, request: HttpRequest, obj: Review | None = None) -> list[str]:
        return ["tool", "persona"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Review | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Review, form: Any, change: bool) -> None:
        """Record what the form says, instead of writing over the review."""
        record_reviews([form.statement()], by=request.user)
        obj.pk = Review.objects.only("pk").get(tool=obj.tool_id, persona=obj.persona).pk
