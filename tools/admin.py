"""Facts in the editors' desk. Prices are added, never rewritten."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest

from .accounts import AccountAdmin
from .models import MAY_CHANGE, Act, Category, Plan, Price, Vendor

# Importing AccountAdmin has let Django register its own.
admin.site.unregister(User)
admin.site.register(User, AccountAdmin)


@admin.register(Vendor, Category)
class NamedAdmin(admin.ModelAdmin):
    """A vendor or a category."""

    list_display = ["name", "slug"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        return ["name", "slug", *(field for field in fields if field not in {"name", "slug"})]


class PlanInline(admin.TabularInline):
    """A tool's plans. Each has a page of its own, for its prices and to delete it without any."""

    model = Plan
    extra = 0
    can_delete = False
    show_change_link = True


class PriceForm(forms.ModelForm):
    """A price. One that is recorded shows its amount and keeps it; the database would refuse."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name, field in self.fields.items():
                field.disabled = name not in MAY_CHANGE


class PriceInline(admin.TabularInline):
    """A plan's prices. What has been recorded stays; only the day of the last check moves on."""

    model = Price
    form = PriceForm
    extra = 0
    can_delete = False


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    """A plan with every price it ever had."""

    list_display = ["label", "tool", "kind"]
    list_filter = ["kind"]
    list_select_related = ["tool"]
    search_fields = ["label", "tool__name"]
    autocomplete_fields = ["tool"]
    inlines = [PriceInline]
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        fresh = obj is None or not obj.prices.exists()
        return fresh and super().has_delete_permission(request, obj)


@admin.register(Act)
class ActAdmin(admin.ModelAdmin):
    """Who published, scheduled and withdrew what, to read."""

    list_display = ["acted_at", "name", "before", "after", "published_at", "by", "reason"]
    list_filter = ["after", "acted_at"]
    search_fields = ["name", "by"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
