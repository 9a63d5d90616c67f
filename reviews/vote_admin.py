"""Votes in the editors' desk: to read, to release and to reject, never to write."""

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db.models import BinaryField, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from tools.models import Tool

from . import moderation
from .duels import Duel
from .floods import floods
from .votes import Ruling, Standing, Suspicion, Vote


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows to read."""

    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Let nobody filter by bytes, which are hashes: a list would tell whose one belongs to."""
        field = lookup.split("__")[0]
        is_bytes = any(
            one.name == field and isinstance(one, BinaryField) for one in self.opts.fields
        )
        return not is_bytes and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ToolFilter(admin.SimpleListFilter):
    """The votes on one tool, which is found by typing: there are too many to list."""

    title = "tool"
    parameter_name = "tool"
    template = "admin/reviews/vote/tool_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Vote]) -> QuerySet[Vote]:
        wanted = self._tool_id
        return queryset if wanted is None else queryset.filter(tool=wanted)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Hand the template its field, and what else is filtered by."""
        yield {
            "field": tool_widget().render("tool", self._tool_id, {"id": "filter-tool"}),
            "others": [
                (name, value)
                for name, values in changelist.filter_params.items()
                if name != self.parameter_name
                for value in values
            ],
            "clear": self.value() and changelist.get_query_string(remove=[self.parameter_name]),
        }

    @property
    def _tool_id(self) -> int | None:
        """The tool that is asked for; None for no tool, and for what is no number."""
        wanted = self.value() or ""
        return int(wanted) if re.fullmatch(r"[0-9]{1,18}", wanted) else None


def tool_widget() -> Any:
    """Return the widget in which a tool is found by typing."""
    widget = AutocompleteSelect(
        Vote._meta.get_field("tool"), admin.site, attrs={"aria-label": "Tool"}
    )
    return forms.ModelChoiceField(Tool.objects.all(), required=False, widget=widget).widget


class NoteForm(ActionForm):
    """What is done with the chosen votes, and why."""

    note = forms.CharField(max_length=300, required=False, label="Note:")


class FloodForm(forms.Form):
    """Which of a tool's quarantined votes are released or rejected, and why."""

    tool: Any = forms.ModelChoiceField(Tool.objects.all(), widget=forms.HiddenInput)
    #: Votes that came after the editor looked are not decided on.
    until = forms.DateTimeField(widget=forms.HiddenInput)
    suspicion = forms.ChoiceField(
        choices=[("", "All"), *Suspicion.choices], required=False, label="Which"
    )
    act = forms.ChoiceField(choices=[("release", "Release"), ("reject", "Reject")])
    note = forms.CharField(max_length=300, required=False)

    @property
    def votes(self) -> QuerySet[Vote]:
        """The votes that a valid form is about."""
        wanted = self.cleaned_data
        votes = Vote.objects.filter(
            tool=wanted["tool"], standing=Standing.QUARANTINED, cast_at__lte=wanted["until"]
        )
        return votes.filter(suspicion=wanted["suspicion"]) if wanted["suspicion"] else votes


class ScreenedAdmin(ReadOnlyAdmin):
    """What readers cast, and what the rules made of it, to release and to reject."""

    ordering = ["-cast_at", "-id"]
    actions = ["release_votes", "reject_votes"]
    action_form = NoteForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.list_display

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may release and reject."""
        return bool(request.user.has_perm(moderation.PERMISSION))

    @admin.action(description="Release: count these votes", permissions=["moderate"])
    def release_votes(self, request: HttpRequest, votes: QuerySet[Any]) -> None:
        """Count the chosen votes."""
        self.rule(request, votes, "release", request.POST.get("note", ""))

    @admin.action(description="Reject: never count these votes", permissions=["moderate"])
    def reject_votes(self, request: HttpRequest, votes: QuerySet[Any]) -> None:
        """Take the chosen votes out of the count."""
        self.rule(request, votes, "reject", request.POST.get("note", ""))

    def rule(self, request: HttpRequest, votes: QuerySet[Any], act: str, note: str) -> None:
        """Release or reject votes, and tell the user how many."""
        # What was chosen may be ordered, joined and sliced; its keys are enough.
        votes = self.model._default_manager.filter(pk__in=votes.order_by().values("pk"))
        done = getattr(moderation, act)(votes, by=request.user, reason=note[:300])
        verb = "released" if act == "release" else "rejected"
        messages.success(request, f"Votes {verb}: {done:,}.")


@admin.register(Duel)
class DuelAdmin(ScreenedAdmin):
    """Choices between two tools. Who may see votes may see them."""

    list_display = [
        "cast_at", "tally", "choice", "standing", "suspicion", "without_cookie", "changed_at",
    ]  # fmt: skip
    list_filter = ["standing", "suspicion", "choice"]
    list_select_related = ["tally__left", "tally__right"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("reviews.view_vote"))


@admin.register(Vote)
class VoteAdmin(ScreenedAdmin):
    """Votes on tools, and their floods."""

    list_display = [
        "cast_at", "tool", "choice", "standing", "suspicion", "without_cookie", "changed_at",
    ]  # fmt: skip
    list_filter = ["standing", "suspicion", "choice", ToolFilter]
    list_select_related = ["tool"]

    @property
    def media(self) -> forms.Media:
        return super().media + tool_widget().media

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.floods_view)
        return [path("floods/", view, name="reviews_vote_floods"), *super().get_urls()]

    def floods_view(self, request: HttpRequest) -> HttpResponse:
        """Show the tools with quarantined votes, and release or reject what was sent."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._rule_on_flood(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Floods",
            "opts": self.opts,
            "floods": floods(),
            "until": timezone.now().astimezone(UTC).isoformat(),
            "may_moderate": self.has_moderate_permission(request),
        }
        return TemplateResponse(request, "admin/reviews/vote/floods.html", context)

    def _rule_on_flood(self, request: HttpRequest) -> HttpResponse:
        form = FloodForm(request.POST)
        if form.is_valid():
            self.rule(request, form.votes, form.cleaned_data["act"], form.cleaned_data["note"])
        else:
            sentences = [str(error) for errors in form.errors.values() for error in errors]
            messages.error(request, f"Nothing was decided: {' '.join(sentences)}")
        return HttpResponseRedirect(reverse("admin:reviews_vote_floods"))


@admin.register(Ruling)
class RulingAdmin(ReadOnlyAdmin):
    """Who released and rejected how many votes, and why."""

    list_display = ["ruled_at", "subject", "standing", "votes", "reason", "by"]
    list_filter = ["standing", "ruled_at"]
    search_fields = ["subject", "by"]
