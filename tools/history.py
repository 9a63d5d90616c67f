"""The history of a page on the desk, going back in it, and two editors at one page."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from . import publishing
from .conflicts import ReasonedForm
from .paging import paginate
from .publishing import acting
from .status import Publishable
from .versions import Reading, history


def back_to(version: Any) -> str:
    """Return the reason that going back has by itself."""
    return f"Back to the version of {version.recorded_at:%-d %b %Y, %H:%M} UTC."


class GoBackForm(forms.Form):
    """Why an old version is made the newest one again."""

    reason = forms.CharField(max_length=300, required=False)


class VersionedAdmin(admin.ModelAdmin):
    """A page of the desk that knows everything it ever said: `Publishable.versions`.

    Whoever changes a row waits until whoever is changing it has finished, and is then told.
    """

    form: Any = ReasonedForm

    def lock(self, pk: str) -> None:
        """Wait for whoever is writing the row, and keep others waiting until all is written."""
        self.model._base_manager.select_for_update(no_key=True).filter(pk=pk).values("pk").first()

    def go_back(self, row: Any, version: Any, *, by: Any, reason: str) -> None:
        """Make a row say again what a version says; its status stays as it is.

        Raises ValidationError where the row cannot say that any more: somebody else's page has the
        slug, or the vendor is gone.
        """
        for column, value in Reading(self.model).values(version.content).items():
            setattr(row, column, value)
        row.full_clean()
        with acting(by, reason or back_to(version)):
            row.save()

    def needs_reason(self, row: Any) -> bool:
        """Whether going back may need a reason, which readers see then."""
        return False

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_go_back"
        view = self.admin_site.admin_view(require_POST(self.go_back_view))
        return [
            path("<path:object_id>/history/<int:version_id>/", view, name=name),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            self._lock(object_id)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and let the history know by whom and why."""
        with acting(request.user, form.cleaned_data.get("why", "")):
            super().save_model(request, obj, form, change)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show every version, the newest first, with what it changed and a way back to it."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        versions = self._versions(object_id)
        newest = versions.last() if versions is not None else None
        if versions is None or newest is None:
            return self._gone(request, object_id)
        listing = paginate(request, versions.reverse())
        shown = list(listing.items)
        # One more, which the last of the page is compared with.
        shown += versions.filter(pk__lt=shown[-1].pk).reverse()[:1]
        entries = history(self.model, shown, newest)[: len(listing.items)]
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_go_back"
        may_go_back = row is not None and publishing.may_edit(request.user, row)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row or self._name(newest)}",
            "subtitle": None,
            "opts": self.opts,
            "object": row,
            "listing": listing,
            "entries": [
                (
                    entry,
                    reverse(name, args=[quote(row.pk), entry.version.pk])
                    if row is not None and may_go_back and not entry.is_current
                    else None,
                )
                for entry in entries
            ],
            "needs_reason": row is not None and self.needs_reason(row),
            **(extra_context or {}),
        }
        return render(request, "admin/object_history_versions.html", context)

    def go_back_view(self, request: HttpRequest, object_id: str, version_id: int) -> HttpResponse:
        """Make the row say again what a version of it said, which is a new version."""
        with transaction.atomic():
            self._lock(object_id)
            row = self.get_object(request, unquote(object_id))
            if row is None:
                return self._gone(request, object_id)
            if not publishing.may_edit(request.user, row):
                raise PermissionDenied
            self._go_back(request, row, version_id)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_history"
        return HttpResponseRedirect(reverse(name, args=[quote(row.pk)]))

    def _go_back(self, request: HttpRequest, row: Publishable, version_id: int) -> None:
        version = row.versions.filter(pk=version_id).first()
        if version is None:
            messages.error(request, "There is no such version of this page.")
            return
        form = GoBackForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for error in form.errors["reason"]))
            return
        try:
            with transaction.atomic():
                self.go_back(row, version, by=request.user, reason=form.cleaned_data["reason"])
        except ValidationError as error:
            messages.error(request, f"It stays as it is: {' '.join(error.messages)}")
        else:
            messages.success(request, f"{back_to(version)} It is the newest version now.")

    def _gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        messages.warning(
            request,
            f"There is no {self.opts.verbose_name} {unquote(object_id)!r} any more, and nothing "
            "to go back to. Perhaps it was deleted.",
        )
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return HttpResponseRedirect(reverse(name))

    def _lock(self, object_id: str) -> None:
        try:
            self.lock(self.opts.pk.to_python(unquote(object_id)))
        except ValidationError:
            return  # no row has such a key, and the view says so

    def _versions(self, object_id: str) -> Any:
        """Return the versions of a row, which may have been deleted; None for no possible row."""
        try:
            return self.model(pk=self.opts.pk.to_python(unquote(object_id))).versions
        except ValidationError:
            return None

    def _name(self, version: Any) -> str:
        """Return what a deleted row was called."""
        return version.content.get("name") or f"{self.opts.verbose_name} {version.row_id}"
