"""What every page of the editors' desk has that can be published: its stage, and its next moves."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from . import publishing
from .history import VersionedAdmin
from .lists import FoundByName, ReasonForm, publish, withdraw
from .markdown_preview import MARKDOWN
from .previews import previewable, sign
from .status import MOVES, Publishable, Status

#: What a button says that moves a page to a status.
BUTTONS = {
    Status.DRAFT: "Back to draft",
    Status.IN_REVIEW: "Hand in for review",
    Status.SCHEDULED: "Schedule",
    Status.PUBLISHED: "Publish now",
    Status.WITHDRAWN: "Withdraw",
}
#: What has happened then.
DONE = {
    Status.DRAFT: "is a draft again.",
    Status.IN_REVIEW: "waits for review.",
    Status.SCHEDULED: "will appear at",
    Status.PUBLISHED: "is published.",
    Status.WITHDRAWN: "is withdrawn. Readers no longer see it; everything that was said is kept.",
}


class MomentWidget(AdminSplitDateTime):
    """A day and a time, each of which says what it is."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        for part, label in zip(self.widgets, ("Date", "Time"), strict=True):
            part.attrs["aria-label"] = label


class MoveForm(forms.Form):
    """Where a page should go, from when on, and why."""

    to = forms.ChoiceField(choices=Status.choices, widget=forms.HiddenInput)
    at = forms.SplitDateTimeField(
        label="Appears at",
        required=False,
        widget=MomentWidget,
        help_text="For a schedule: day and time, in UTC. Readers see it from that minute on.",
    )
    reason = forms.CharField(
        max_length=300,
        required=False,
        help_text="For a withdrawal. Of a review, readers see it.",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a minute ahead where something is scheduled."""
        cleaned = super().clean() or {}
        if cleaned.get("to") == Status.SCHEDULED and "at" not in self.errors:
            at = cleaned.get("at")
            if at is None:
                self.add_error("at", "Say from when on readers should see it.")
            elif at <= timezone.now():
                self.add_error(
                    "at", "This minute has passed. Choose a later one, or publish it now."
                )
        return cleaned

    @property
    def complaint(self) -> str:
        """Everything that is wrong with it, in sentences."""
        return " ".join(str(error) for errors in self.errors.values() for error in errors)


class PublishableAdmin(FoundByName, VersionedAdmin):
    """A page of the desk for something that can be published.

    Its form never edits the status. Buttons move it: those of the form save first, once both the
    page and the move are sound; otherwise it comes back as it was entered. Whoever may move but
    not write has a form for that alone. All of them end in `move_row`.
    """

    change_form_template = "admin/publishable_form.html"
    actions = [publish, withdraw]
    action_form = ReasonForm
    formfield_overrides = MARKDOWN

    def move_row(self, row: Any, to: Status, **how: Any) -> None:
        """Move a row; kinds that move together with others override this."""
        publishing.move(row, to, **how)

    def preview_address(self, row: Any) -> str | None:
        """Return a link to the page as it will look; None where a preview shows nothing."""
        if not previewable(row):
            return None
        return settings.SITE_URL + reverse(f"{row._meta.model_name}-preview", args=[sign(row)])

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Whether this user may publish and withdraw rows of this kind at all."""
        return publishing.may(request.user, "publish", self.model)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return super().has_change_permission(request)
        return publishing.may_edit(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete what readers have seen: that is withdrawn, and kept."""
        fresh = obj is None or (obj.published_at is None and obj.stage in publishing.UNPUBLISHED)
        return fresh and super().has_delete_permission(request, obj)

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return super().get_view_on_site_url(obj) if obj and obj.is_public else None

    def moves(self, request: HttpRequest, row: Publishable | None) -> list[tuple[Status, str]]:
        """Return where this user may move the row now, with what the button says."""
        stage = row.stage if row else Status.DRAFT
        row = row or self.model()
        return [
            (to, BUTTONS[to]) for to in MOVES[stage] if publishing.may_move(request.user, row, to)
        ]

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_move"
        view = self.admin_site.admin_view(require_POST(self.move_view))
        return [path("<path:object_id>/move/", view, name=name), *super().get_urls()]

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Move a row without changing what it says."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            # As Django answers for a form; its type stubs leave this method out.
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]
                request, self.opts, object_id
            )
        form = MoveForm(request.POST, prefix="move")
        if form.is_valid():
            self._move(request, row, form.cleaned_data, "“{}” stays where it is: {}")
        else:
            messages.error(request, form.complaint)
        return HttpResponseRedirect(self._address(row))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id)) if object_id else None
        moves = self.moves(request, row)
        form = self._wanted_move(request) if request.POST else MoveForm(prefix="move")
        if Status.SCHEDULED not in dict(moves):
            del form.fields["at"]
        context = {
            "move_form": form,
            "moves": moves,
            "may_edit": self.has_change_permission(request, row),
            "stage": row.stage if row else None,
            **(extra_context or {}),
        }
        if row:
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_move"
            context["move_address"] = reverse(name, args=[quote(row.pk)])
            context["preview"] = self.preview_address(row)
        return super().changeform_view(request, object_id, form_url, context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Bring what the fields of a move need, whether or not the page has a date itself."""
        context["media"] += context["move_form"].media
        return super().render_change_form(request, context, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the page's form, which is wrong where the move that is asked for is."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if "_move" not in request.POST:
            return form
        move = self._wanted_move(request)

        class MovingForm(form):
            def clean(self) -> Any:
                cleaned = super().clean()
                if not move.is_valid():
                    self.add_error(None, f"Not saved and not moved yet. {move.complaint}")
                return cleaned

        return MovingForm

    def _wanted_move(self, request: HttpRequest) -> MoveForm:
        """Return what the page's own form says of a move; it goes nowhere without its button."""
        data: Any = request.POST.copy()
        data["move-to"] = request.POST.get("_move", "")
        return MoveForm(data, prefix="move")

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if "_move" in request.POST:
            return self._response_move(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if "_move" in request.POST:
            return self._response_move(request, obj)
        return super().response_change(request, obj)

    def _response_move(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Move what has just been saved, and stay on its page."""
        form = self._wanted_move(request)
        form.full_clean()  # sound, or the page would not have been saved
        self._move(request, row, form.cleaned_data, "Saved, but “{}” stays where it is: {}")
        return HttpResponseRedirect(self._address(row))

    def _move(self, request: HttpRequest, row: Any, wanted: dict[str, Any], refused: str) -> None:
        """Move a row, and say so; `refused` says that it did not, with the row and the reasons."""
        to, at = Status(wanted["to"]), wanted["at"]
        if not publishing.may_move(request.user, row, to):
            raise PermissionDenied
        try:
            self.move_row(row, to, by=request.user, at=at, reason=wanted["reason"])
        except ValidationError as error:
            reasons = " ".join(error.messages)
            messages.error(request, format_html(refused, str(row), reasons))
        else:
            done = DONE[to] + (f" {at:%-d %b %Y, %H:%M} UTC." if to == Status.SCHEDULED else "")
            messages.success(request, format_html("“{}” {}", str(row), done))

    def _address(self, row: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[quote(row.pk)])

    @admin.display(description="Stage", ordering="status")
    def stage_text(self, row: Publishable) -> str:
        """Say how far a row has come, and from when on for what is scheduled."""
        stage, text = row.stage, str(row.stage.label)
        if stage == Status.SCHEDULED and isinstance(row.published_at, datetime):
            text = f"{text}: {row.published_at:%-d %b %Y, %H:%M} UTC"
        return format_html('<span class="stage" data-stage="{}">{}</span>', stage, text)
