"""Tools with their panel, and reviews, in the editors' desk. Saving a review adds a revision."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html

from tools.admin import PlanInline
from tools.desk import PublishableAdmin
from tools.history import back_to
from tools.lists import (
    ChecksPrices,
    StageFilter,
    StalePricesFilter,
    mark_checked,
    oldest_check,
    tools_named,
)
from tools.markdown_preview import MARKDOWN
from tools.models import Tool
from tools.status import Status

from . import vote_admin  # noqa: F401 - registers the votes
from .forms import FIELDS, PanelFormSet, PersonaForm, ReviewForm
from .lists import (
    AloneFilter,
    FlippedFilter,
    MissingFilter,
    named,
    strip_of,
    with_verdicts,
)  # fmt: skip
from .models import Review
from .publishing import move_review, move_tool, readiness
from .scorecards import Scorecard
from .templatetags.verdicts import panel_strip
from .writing import Statement, record_reviews


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
class ToolAdmin(ChecksPrices, PublishableAdmin):
    """A tool on one screen: facts, plans, its panel, and what it lacks for publication."""

    change_form_template = "admin/tools/tool_form.html"
    fields = [
        ("name", "slug"), ("vendor", "category"), "tagline", "description",
        ("website", "released_on"), "why",
    ]  # fmt: skip
    list_display = ["name", "verdicts", "missing", "stage_text", "vendor", "category", "checked"]
    list_filter = [StageFilter, "category", MissingFilter, StalePricesFilter]
    list_select_related = ["vendor", "category"]
    search_fields = ["name"]
    search_help_text = "By the tool’s or the vendor’s name."
    found_by = {"pk": tools_named}
    actions = [*PublishableAdmin.actions, mark_checked]
    autocomplete_fields = ["vendor", "category"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [PlanInline, PanelInline]

    def for_list(self, rows: Any) -> QuerySet[Any]:
        return with_verdicts(rows.prefetch_related("plans__prices"))

    @admin.display(description="Verdicts")
    def verdicts(self, tool: Tool) -> str:
        """Draw the verdicts that are written, drafts too."""
        return panel_strip(strip_of(tool))

    @admin.display(description="Missing")
    def missing(self, tool: Tool) -> str:
        """Name the personas who have written nothing yet."""
        return named(strip_of(tool).missing)

    @admin.display(description="Prices checked")
    def checked(self, tool: Tool) -> str:
        """Say when the least recently checked price was looked up."""
        return oldest_check(tool.plans.all())

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


@admin.register(Review)
class ReviewAdmin(PublishableAdmin):
    """One persona on one tool."""

    form = ReviewForm
    fields = [
        ("tool", "persona"), ("verdict", "score"), "body", ("evidence", "reviewed_on"), "reason",
    ]  # fmt: skip
    list_display = ["tool", "persona", "stance", "stage_text", "evidence", "reviewed_on"]
    list_filter = [
        StageFilter, AloneFilter, "persona", "verdict", "evidence", FlippedFilter
    ]  # fmt: skip
    list_select_related = ["tool"]
    ordering = ["-reviewed_on", "-pk"]
    search_fields = ["tool__name"]
    search_help_text = "By the tool’s or the vendor’s name."
    found_by = {"tool": tools_named}
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

    @admin.display(description="Verdict", ordering="score")
    def stance(self, review: Review) -> str:
        """Say verdict and score as the site does."""
        score = "" if review.score is None else f"{review.score}/100 · "
        text = '<span class="verdict-word" data-verdict="{}">{}{}</span>'
        return format_html(text, review.verdict, score, review.verdict)

    def move_row(self, row: Review, to: Status, **how: Any) -> None:
        move_review(row, to, **how)

    def get_readonly_fields(self, request: HttpRequest, obj: Review | None = None) -> list[str]:
        return ["tool", "persona"] if obj else []

    def save_model(self, request: HttpRequest, obj: Review, form: Any, change: bool) -> None:
        """Record what the form says, instead of writing over the review."""
        record_reviews([form.statement()], by=request.user)
        obj.pk = Review.objects.only("pk").get(tool=obj.tool_id, persona=obj.persona).pk
