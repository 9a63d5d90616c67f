"""Comparisons in the editors' admin."""

from django.contrib import admin

from .models import Comparison


@admin.register(Comparison)
class ComparisonAdmin(admin.ModelAdmin):
    """A pair of tools with the editor's text."""

    fields = [("left", "right"), "summary", ("status", "published_at")]
    list_display = ["__str__", "status", "published_at"]
    list_filter = ["status"]
    list_select_related = ["left", "right"]
    search_fields = ["left__name", "right__name"]
    autocomplete_fields = ["left", "right"]
    show_full_result_count = False
