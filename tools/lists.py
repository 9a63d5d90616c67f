"""What the desk's lists have in common: search through an index, filters, and acts on many rows."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db.models import ForeignKey, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from . import publishing
from .models import Plan, Price, Tool
from .pricing import PRICE_MAX_AGE
from .recording import check_prices
from .status import Status, at_stage

#: An act on more rows than this takes longer than a request may.
AT_ONCE = 200
#: So many refusals are told; the rest is counted.
TOLD = 10
#: Words of a search beyond this are left out.
MAX_WORDS = 12

# The columns and the index that these read are made by the migrations `0002_search` and
# `0005_search_acts`, because a field of a model would be fetched with every row.
_TOOLS = """
    SELECT id FROM tools_tool WHERE search_names @@ to_tsquery('simple', %s)
    UNION SELECT tool.id FROM tools_tool tool JOIN tools_vendor vendor ON vendor.id = vendor_id
    WHERE vendor.search @@ to_tsquery('simple', %s)
"""
_VENDORS = "SELECT id FROM tools_vendor WHERE search @@ to_tsquery('simple', %s)"
_ACTS = "SELECT id FROM tools_act WHERE tools_act_words(name, by) @@ to_tsquery('simple', %s)"


def beginnings(text: str) -> str:
    """Return what was typed as a Postgres query: words or their beginnings.

    Empty where no word was typed.
    """
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).lower())
    return " & ".join(f"{word}:*" for word in words[:MAX_WORDS])


def _keys(sql: str) -> Callable[[str], RawSQL]:
    return lambda query: RawSQL(sql, [query] * sql.count("%s"))  # noqa: S611 (SQL of ours)


tools_named = _keys(_TOOLS)
vendors_named = _keys(_VENDORS)
acts_named = _keys(_ACTS)


class DeskList(ChangeList):
    """A list that fetches what its cells show, which forms and autocompletion do without."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Refuse, as Django refuses a filter that makes no sense, what Postgres takes for no text.

        Raises IncorrectLookupParameters.
        """
        if "\0" in "".join(chain.from_iterable(self.get_filters_params().values())):
            raise IncorrectLookupParameters
        desk: Any = self.model_admin
        return desk.for_list(super().get_queryset(request, exclude_parameters))


class FoundByName(admin.ModelAdmin):
    """A list that is searched by names through their index, however long it is.

    `found_by` has the relations that lead to what is named, and how keys of that are found. Where
    it is set, `search_fields` only says that there is a search.
    """

    found_by: dict[str, Callable[[str], RawSQL]] = {}
    list_per_page = 50
    empty_value_display = ""
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeskList

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the address fills in, but for keys that can be none."""
        initial = super().get_changeform_initial_data(request)
        return {name: said for name, said in initial.items() if self._may_be(name, said)}

    def _may_be(self, name: str, said: Any) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:  # one of the form's own
            return True
        try:
            if isinstance(field, ForeignKey):
                field.target_field.to_python(said)
        except ValidationError:
            return False
        return True

    def for_list(self, rows: Any) -> QuerySet[Any]:
        """Fetch what the list shows of each row."""
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not self.found_by or not search_term.strip():
            return super().get_search_results(request, queryset, search_term)
        query = beginnings(search_term)
        if not query:
            return queryset.none(), False
        found = Q()
        for field, keys in self.found_by.items():
            found |= Q(**{f"{field}__in": keys(query)})
        return queryset.filter(found), False


class StageFilter(admin.SimpleListFilter):
    """How far rows have come by now; what was scheduled and is due counts as published."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        stage = self.value()
        return queryset.filter(at_stage(Status(stage))) if stage in Status.values else queryset


class StalePricesFilter(admin.SimpleListFilter):
    """Tools or plans with a price that nobody has looked at for too long."""

    title = "prices"
    parameter_name = "prices"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stale", f"Not checked for {PRICE_MAX_AGE.days} days")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        if self.value() != "stale":
            return queryset
        if queryset.model is Tool:
            return queryset.with_stale_prices()
        return queryset.filter(pk__in=Price.objects.stale(timezone.localdate()).values("plan"))


class ReasonForm(ActionForm):
    """What is done to the chosen rows, and why."""

    reason = forms.CharField(
        label="Reason", max_length=300, required=False, help_text="Of a withdrawal."
    )


@admin.action(description="Publish now", permissions=["publish"])
def publish(desk: Any, request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Publish the chosen rows, one by one, and tell which were refused and why."""
    _move(desk, request, rows, Status.PUBLISHED)


@admin.action(description="Withdraw", permissions=["publish"])
def withdraw(desk: Any, request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Withdraw the chosen rows, one by one, and tell which were refused and why."""
    _move(desk, request, rows, Status.WITHDRAWN)


def _move(desk: Any, request: HttpRequest, rows: QuerySet[Any], to: Status) -> None:
    done, refused = 0, []
    for row in chosen_rows(request, rows):
        try:
            if row.stage == to:
                raise ValidationError(f"It is {to.label.lower()} already.")
            reason = request.POST.get("reason", "").strip()
            desk.move_row(row, to, by=request.user, reason=reason)
        except ValidationError as error:
            refused.append((str(row), " ".join(error.messages)))
        except PermissionDenied as error:
            refused.append((str(row), str(error)))
        else:
            done += 1
    _tell(request, f"{to.label}: {done}.", done, refused)


@admin.action(description="Mark prices as checked today", permissions=["check_prices"])
def mark_checked(desk: Any, request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Date the current prices of the chosen tools or plans anew, and tell which have none."""
    chosen = chosen_rows(request, rows)
    row_of = "tool" if rows.model is Tool else "pk"
    plans = Plan.objects.filter(**{f"{row_of}__in": [row.pk for row in chosen]})
    of_row = dict(plans.values_list("pk", row_of))
    priced: dict[Any, int] = defaultdict(int)
    for price in Price.objects.current(timezone.localdate()).filter(plan__in=of_row):
        priced[of_row[price.plan_id]] += 1
    check_prices(of_row)
    refused = [(str(row), "No price is recorded.") for row in chosen if row.pk not in priced]
    count = sum(priced.values())
    _tell(request, f"Prices checked today: {count}.", count, refused)


def chosen_rows(request: HttpRequest, rows: QuerySet[Any]) -> list[Any]:
    """Return the chosen rows; none, and a sentence, where they are too many for one request."""
    chosen = list(rows[: AT_ONCE + 1])
    if len(chosen) > AT_ONCE:
        messages.error(request, f"Choose at most {AT_ONCE} rows at once. Nothing was changed.")
        return []
    return chosen


def _tell(request: HttpRequest, success: str, done: int, refused: list[tuple[str, str]]) -> None:
    if done:
        messages.success(request, success)
    if refused:
        sentences = format_html_join(" ", "“{}”: {}", refused[:TOLD])
        more = f" And {len(refused) - TOLD} more." if len(refused) > TOLD else ""
        messages.warning(request, format_html("Refused: {}. {}{}", len(refused), sentences, more))


class ChecksPrices(admin.ModelAdmin):
    """A list whose prices can be marked as checked, by those who answer for what readers see."""

    def has_check_prices_permission(self, request: HttpRequest) -> bool:
        """Whether this user may: authors, who write drafts only, may not."""
        user: Any = request.user
        answers = publishing.may(user, "publish", Tool) or publishing.may(user, "schedule", Tool)
        return answers and bool(user.has_perm("tools.change_price"))


class LabelledInline(admin.TabularInline):
    """An inline whose fields say what they are; Django names only the columns above them."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        for field in formset.form.base_fields.values():
            field.widget.attrs.setdefault("aria-label", capfirst(field.label))
        return formset


def oldest_check(plans: Iterable[Plan]) -> SafeString | str:
    """Say when the least recently checked price of these plans was looked up, for a list's cell."""
    today = timezone.localdate()
    prices = (plan.line(today).price for plan in plans)
    day = min((price.checked_on for price in prices if price), default=None)
    if day is None:
        return ""
    stale = " stale" if day < today - PRICE_MAX_AGE else ""
    return format_html('<span class="day{}">{}</span>', stale, f"{day:%-d %b %Y}")
