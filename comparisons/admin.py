"""Comparisons in the editors' admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from reviews import admin as reviews_admin  # noqa: F401  (registers the page of tools)
from tools.desk import PublishableAdmin
from tools.models import Tool

from .catalog.desk import export_comparisons, export_tools
from .catalog.importing import may_import
from .indexing import comparison_lacks
from .models import Comparison


@admin.register(Comparison)
class ComparisonAdmin(PublishableAdmin):
    """A pair of tools with the editor's text, and what it lacks for a place in search engines."""

    fields = [("left", "right"), "summary", "lacks"]
    list_display = ["__str__", "stage_text", "published_at", "indexable"]
    list_filter = ["status"]
    search_fields = ["left__name", "right__name"]
    autocomplete_fields = ["left", "right"]
    readonly_fields = ["lacks"]
    actions = [export_comparisons]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        return rows.for_desk()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_import": may_import(request.user), **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(boolean=True)
    def indexable(self, comparison: Comparison) -> bool:
        """Say whether search engines may list the page."""
        return not comparison_lacks(comparison)

    @admin.display(description="Lacks")
    def lacks(self, comparison: Comparison) -> str:
        """Say what keeps the page out of search engines, sitemap and feeds."""
        if comparison.pk is None:
            return "Shown once the comparison is saved."
        return " ".join(comparison_lacks(comparison)) or "Nothing: search engines may list it."


# The page of tools is a lower room's, which does not know the catalog's document.
_tools = admin.site.get_model_admin(Tool)
_tools.actions = [*(_tools.actions or ()), export_tools]
