"""Facts in the editors' desk. Prices are added, never rewritten."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from .forms import PlanForm, PlanFormSet
from .models import MAY_CHANGE, Act, Category, Plan, Price, Vendor
from .previewing import MARKDOWN


@admin.register(Vendor, Category)
class NamedAdmin(admin.ModelAdmin):
    """A vendor or a category."""

    list_display = ["name", "slug"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    formfield_overrides = MARKDOWN
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        return ["name", "slug", *(field for field in fields if field not in {"name", "slug"})]


class PlanInline(admin.StackedInline):
    """A tool's plans. Each has a page of its own, for its prices and to delete it without any."""

    model = Plan
    form = PlanForm
    formset = PlanFormSet
    fields = ["label", "kind", "position"]
    template = "admin/tools/plans.html"
    extra = 1
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("prices")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.may_add_price = request.user.has_perm("tools.add_price")
        formset.may_check = request.user.has_perm("tools.change_price")
        return formset


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
