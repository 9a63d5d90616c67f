"""Comparisons in the editors' admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tools.desk import PublishableAdmin

from .indexing import comparison_lacks
from .models import Comparison


@admin.register(Comparison)
class ComparisonAdmin(PublishableAdmin):
    """A pair of tools with the editor's text, and what it lacks for a place in search engines."""

    fields = [("left", "right"), "summary", "why", "lacks"]
    list_display = ["__str__", "stage_text", "published_at", "indexable"]
    list_filter = ["status"]
    search_fields = ["left__name", "right__name"]
    autocomplete_fields = ["left", "right"]
    readonly_fields = ["lacks"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        return rows.for_desk()

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
