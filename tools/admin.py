"""Facts in the editors' desk. Prices are added, never rewritten."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from .accounts import AccountAdmin
from .forms import PlanForm, PlanFormSet, PriceFormSet
from .lists import (
    ChecksPrices,
    FoundByName,
    LabelledInline,
    StalePricesFilter,
    acts_named,
    mark_checked,
    oldest_check,
    tools_named,
    vendors_named,
)
from .markdown_preview import MARKDOWN
from .merging import MergingForm
from .models import MAY_CHANGE, Act, Category, Plan, Price, Tool, Vendor
from .publishing import may, may_price
from .status import APPEARING

# Importing AccountAdmin has let Django register its own.
admin.site.unregister(User)
admin.site.register(User, AccountAdmin)


@admin.register(Category)
class NamedAdmin(FoundByName):
    """A vendor or a category."""

    form = MergingForm
    list_display = ["name", "slug", "tools"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
    formfield_overrides = MARKDOWN

    def for_list(self, rows: Any) -> QuerySet[Any]:
        side = str(self.opts.model_name)
        tools = Tool.objects.filter(**{side: OuterRef("pk")}).order_by().values(side)
        counts = tools.annotate(tools=Count("*")).values("tools")
        return rows.annotate(tool_count=Coalesce(Subquery(counts), 0))

    @admin.display(description="Tools")
    def tools(self, row: Any) -> str:
        """Lead to the row's tools."""
        address = reverse("admin:tools_tool_changelist")
        query = f"{self.opts.model_name}__id__exact={row.pk}"
        return format_html('<a href="{}?{}">{} tools</a>', address, query, row.tool_count)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change what stands on public pages who may not publish those."""
        allowed = super().has_change_permission(request, obj)
        if not allowed or obj is None or may(request.user, "publish", Tool):
            return allowed
        return not obj.tools.filter(status__in=APPEARING).exists()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        return ["name", "slug", *(field for field in fields if field not in {"name", "slug"})]


@admin.register(Vendor)
class VendorAdmin(NamedAdmin):
    """A vendor. There are many, so they are searched through their index."""

    found_by = {"pk": vendors_named}


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


class PriceInline(LabelledInline):
    """A plan's prices. What has been recorded stays; only the day of the last check moves on."""

    model = Price
    form = PriceForm
    formset = PriceFormSet
    extra = 0
    can_delete = False


@admin.register(Plan)
class PlanAdmin(FoundByName, ChecksPrices):
    """A plan with every price it ever had."""

    list_display = ["label", "tool", "kind", "price", "checked"]
    list_filter = ["kind", StalePricesFilter]
    list_select_related = ["tool"]
    ordering = ["-pk"]
    search_fields = ["tool__name"]
    search_help_text = "By the tool’s or the vendor’s name."
    found_by = {"tool": tools_named}
    actions = [mark_checked]
    autocomplete_fields = ["tool"]
    inlines = [PriceInline]

    def for_list(self, rows: Any) -> QuerySet[Any]:
        return rows.prefetch_related("prices")

    @admin.display(description="Price")
    def price(self, plan: Plan) -> str:
        """Say what the plan costs today."""
        return plan.line().price_text

    @admin.display(description="Checked")
    def checked(self, plan: Plan) -> str:
        """Say when somebody last looked the price up."""
        return oldest_check([plan])

    def has_change_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Let nobody change what a public tool costs who may neither publish nor schedule it."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_price(request.user, obj.tool))

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        return ["tool"] if obj else []

    def get_form(
        self, request: HttpRequest, obj: Plan | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the page's form, which adds plans to the tools that this user may price."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)

        class PricedForm(form):
            def clean_tool(self) -> Tool:
                tool: Tool = self.cleaned_data["tool"]
                if not may_price(request.user, tool):
                    raise forms.ValidationError(
                        "Readers see this tool. Whoever may publish or schedule it adds its plans."
                    )
                return tool

        return PricedForm

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        fresh = obj is None or not obj.prices.exists()
        return fresh and super().has_delete_permission(request, obj)


@admin.register(Act)
class ActAdmin(FoundByName):
    """Who published, scheduled and withdrew what, to read."""

    list_display = ["name", "before", "after", "published_at", "by", "reason", "acted_at"]
    list_filter = ["after", "acted_at"]
    search_fields = ["name", "by"]
    search_help_text = "By the name of what was moved, or of who moved it."
    found_by = {"pk": acts_named}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
