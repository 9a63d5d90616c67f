"""Comparisons in the editors' admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from reviews.admin import ToolAdmin
from tools.desk import PublishableAdmin
from tools.lists import StageFilter, tools_named

from .catalog.desk import export_comparisons, export_tools
from .indexing import comparison_lacks
from .models import Comparison


class IndexableFilter(admin.SimpleListFilter):
    """Published comparisons, by whether search engines may list them."""

    title = "search engines"
    parameter_name = "indexable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "May list it"), ("no", "Published, but may not be listed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(pk__in=Comparison.objects.indexable().values("pk"))
        return queryset.unindexable() if self.value() == "no" else queryset


@admin.register(Comparison)
class ComparisonAdmin(PublishableAdmin):
    """A pair of tools with the editor's text, and what it lacks for a place in search engines."""

    fields = [("left", "right"), "summary", "why", "lacks"]
    list_display = ["__str__", "stage_text", "indexable"]
    list_filter = [StageFilter, IndexableFilter]
    search_fields = ["left__name", "right__name"]
    search_help_text = "By the name of either tool, or of its vendor."
    found_by = {"left": tools_named, "right": tools_named}
    autocomplete_fields = ["left", "right"]
    readonly_fields = ["lacks"]
    actions = [*PublishableAdmin.actions, export_comparisons]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        return rows.for_desk()

    @admin.display(description="Search engines")
    def indexable(self, comparison: Comparison) -> str:
        """Say whether search engines may list the page, and what it lacks where they may not."""
        return " ".join(comparison_lacks(comparison)) or "May list it."

    @admin.display(description="Lacks")
    def lacks(self, comparison: Comparison) -> str:
        """Say what keeps the page out of search engines, sitemap and feeds."""
        if comparison.pk is None:
            return "Shown once the comparison is saved."
        return " ".join(comparison_lacks(comparison)) or "Nothing: search engines may list it."


# The page of tools is a lower room's, which does not know the catalog's document.
ToolAdmin.actions = [*ToolAdmin.actions, export_tools]
