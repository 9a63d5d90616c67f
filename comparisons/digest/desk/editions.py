"""Editions on the desk: their list, and one on one page, from the draft to the last mail."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.views.decorators.http import require_POST

from comparisons.digest import editions, readiness, workers
from comparisons.digest.content import Content
from comparisons.digest.messages import Letter
from comparisons.digest.models import (
    PUBLIC,
    Delivery,
    DeliveryStatus,
    Edition,
    Stage,
    Standing,
    Subscriber,
)
from comparisons.digest.rendering import Rendering, check_size, rendering_for
from tools.conflicts import Clash, Conflict
from tools.lists import FoundByName
from tools.markdown_preview import MARKDOWN
from tools.versions import marked

from . import acts, unknowns
from .confirming import ask_first, is_confirmed
from .contents import groups_of
from .frames import LOOKS, Frame, Look, Parts, framed, framing
from .progress import Picture, Sample

#: Stands in a frame whose mail is not the one that the page was made for.
STALE = (
    "<!doctype html><title>Changed</title><p>What this edition says has changed since the page was "
    "opened. Load the page again to see it."
)
#: So many of the latest acts stand on an edition's page.
ACTS_SHOWN = 15


class EditionForm(forms.ModelForm):
    """Subject and introduction. It does not silently save over what somebody else has saved.

    Editions keep no versions, so the form carries a mark of what it was made from. Whoever calls
    `is_valid` holds a lock on the row.
    """

    seen = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)
    conflict: Conflict | None = None

    class Meta:
        model = Edition
        fields = ["subject", "intro"]
        widgets = {"subject": forms.TextInput(attrs={"class": "vTextField", "size": 80})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = acts.mark_of(self.instance)

    def clean(self) -> dict[str, Any]:
        """Refuse once to save over something else than the form was made from."""
        cleaned = super().clean() or {}
        theirs = self.instance  # as it is in the database: the form's values come later
        if cleaned.get("seen") == acts.mark_of(theirs):
            return cleaned
        clashes = [
            Clash(
                str(self.fields[name].label),
                escape(getattr(theirs, name)),
                marked(getattr(theirs, name), str(cleaned.get(name, self[name].value()))),
            )
            for name in ("subject", "intro")
            if cleaned.get(name) != getattr(theirs, name)
        ]
        if clashes:
            self.conflict = Conflict(latest_act(theirs), clashes)
            self.add_error(
                None,
                "Somebody else has saved this meanwhile. Nothing of yours is lost: it is still in "
                "the form. Compare the two; saving again puts yours in the place of theirs.",
            )
            data: Any = copy(self.data)
            data[self.add_prefix("seen")] = acts.mark_of(theirs)
            self.data = data
        return cleaned


def latest_act(edition: Edition) -> dict[str, Any]:
    """Say who changed an edition last, and when, in the words of `admin/conflict.html`."""
    entry = log_of(edition).first()
    return {
        "pk": edition.pk,
        "by": entry.user.get_username() if entry else "",
        "recorded_at": entry.action_time if entry else timezone.now(),
        "reason": "",
    }


def log_of(edition: Edition) -> QuerySet[LogEntry]:
    """Return who did what with an edition, the newest first.

    Django's log of the desk has it. `tools.Act` has not: that is written by triggers for what can
    be published, and its stages are others.
    """
    kind = ContentType.objects.get_for_model(Edition)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(edition.pk))
    return entries.select_related("user").order_by("-action_time", "-pk")


@admin.register(Edition)
class EditionAdmin(FoundByName):
    """The digest's editions. They are made by the clock or by a button, and never deleted."""

    form = EditionForm
    formfield_overrides = MARKDOWN
    change_form_template = "admin/digest/edition/change_form.html"
    list_display = ["week", "subject", "stage_text", "starts_at", "recipients_text", "sent_text"]
    list_filter = ["status"]
    search_fields = ["week", "subject"]
    search_help_text = "By week (2026-W48) or subject."
    actions = None

    # Who may

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Edition | None = None) -> bool:
        """Whether this user may write: what is approved is frozen."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or obj.status == Stage.DRAFT)

    # The list

    def for_list(self, rows: Any) -> QuerySet[Any]:
        """Count what did not go out, which is little, instead of what did."""
        others = [status for status in DeliveryStatus.values if status != DeliveryStatus.SENT]
        unsent = Delivery.objects.filter(edition=OuterRef("pk"), status__in=others).order_by()
        count = unsent.values("edition").annotate(count=Count("*")).values("count")
        return rows.only(
            "week", "subject", "status", "starts_at", "recipients", "started_at"
        ).annotate(unsent=Coalesce(Subquery(count), 0))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        week, slot = editions.next_slot(timezone.now())
        may_write = super().has_change_permission(request)
        context = {
            "week": week,
            "slot": slot,
            "may_draft": may_write and not Edition.objects.filter(week=week).exists(),
            **_readiness(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    @admin.display(description="Stage", ordering="status")
    def stage_text(self, edition: Edition) -> str:
        """Say how far it has come."""
        return format_html(
            '<span class="stage" data-edition="{}">{}</span>',
            edition.status,
            edition.get_status_display(),
        )

    @admin.display(description="Recipients", ordering="recipients")
    def recipients_text(self, edition: Edition) -> str:
        """Say to how many it goes, once that is frozen."""
        return f"{edition.recipients:,}" if edition.started_at else ""

    @admin.display(description="Sent")
    def sent_text(self, edition: Any) -> str:
        """Say how much of it went out."""
        if not edition.started_at or not edition.recipients:
            return ""
        sent = max(edition.recipients - edition.unsent, 0)
        share = sent * 1000 // edition.recipients / 10  # rounded down: 100% means all
        return f"{share:g}%"

    # The page

    def get_urls(self) -> list[Any]:
        def named(route: str, name: str, view: Any) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"digest_edition_{name}")

        return [
            named("draft/", "draft", require_POST(self.draft_view)),
            named("<int:pk>/<str:look>/frame/", "frame", self.frame_view),
            named("<int:pk>/progress/", "progress", self.progress_view),
            named("<int:pk>/unknowns/", "unknowns", self.unknowns_view),
            *super().get_urls(),
        ]

    @framing
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        if "_act" in request.POST:
            return self._act(request, object_id)
        with transaction.atomic():
            edition = self._locked(request, object_id)
            if edition and edition.status != Stage.DRAFT and self.has_view_permission(request):
                lost = {name: request.POST.get(name, "") for name in ("subject", "intro")}
                return self._looked_at(request, object_id, {"lost": lost})
            return super().changeform_view(request, object_id, form_url, extra_context)

    def _locked(self, request: HttpRequest, object_id: str) -> Edition | None:
        """Keep others from writing a row until the transaction ends, and return it."""
        edition = self.get_object(request, unquote(object_id))
        if edition is None:
            return None
        return Edition.objects.select_for_update().filter(pk=edition.pk).first()

    def _looked_at(self, request: HttpRequest, object_id: str, context: Any) -> HttpResponse:
        """Answer a form with the page as it is for whoever only looks at it."""
        looking = copy(request)
        looking.method = "GET"
        return super().changeform_view(looking, object_id, "", context)

    def _act(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Do what a button of an edition's page asks for; a refusal stands beside the button."""
        edition: Edition | None = self.get_object(request, unquote(object_id))
        act = acts.named(request.POST["_act"])
        if edition is None or act is None:
            raise Http404
        if not (self.has_view_permission(request, edition) and act.is_permitted(request.user)):
            raise PermissionDenied
        form = act.form(request.POST, prefix=act.name)
        refused = ""
        here = reverse("admin:digest_edition_change", args=[edition.pk])
        if form.is_valid():
            if act.asks and act.is_possible(edition) and not is_confirmed(request):
                return ask_first(
                    request,
                    f"{act.button}: {edition}?",
                    act.asks(edition),
                    act.button,
                    here,
                    {"_act": act.name},
                    [
                        ("Editions", reverse("admin:digest_edition_changelist")),
                        (str(edition), here),
                    ],
                )
            try:
                done = act.does(edition, request.user, form.cleaned_data) or act.done
            except ValidationError as error:
                refused = " ".join(error.messages)
            else:
                self.log_change(request, edition, f"{act.button}: it {done}")
                messages.success(request, format_html("“{}” {}", str(edition), done))
                return HttpResponseRedirect(here)
        return self._looked_at(
            request, object_id, {"tried": act.name, "tried_form": form, "refused": refused}
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save an editor's words, and nothing that the clock may be writing."""
        obj.save(update_fields=["subject", "intro", "intro_html"])

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        if obj is None or obj.status not in PUBLIC:
            return None
        return reverse("edition", args=[obj.week.lower()])

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show an edition with everything that there is to know and to do."""
        edition: Edition = kwargs["obj"]
        content = Content.from_json(edition.content)
        rendering = rendering_for(edition, ())
        seen = rendering.digest
        frame = "admin:digest_edition_frame"
        is_started = edition.started_at is not None
        context |= {
            "title": f"Edition {edition}",
            "subtitle": None,
            "edition": edition,
            "stage": Stage(edition.status),
            "is_draft": edition.status == Stage.DRAFT,
            "groups": groups_of(content),
            "frames": [
                Frame(look, f"{reverse(frame, args=[edition.pk, look.value])}?seen={seen}")
                for look in Look
            ],
            "picture": Picture.of(edition, Sample.read(request.GET)) if is_started else None,
            "on_list": None
            if is_started
            else Subscriber.objects.filter(status=Standing.ACTIVE).count(),
            "acts": self._forms(request, edition, seen, context),
            "log": log_of(edition)[:ACTS_SHOWN],
            **_readiness(request),
        }
        names = [act.name for act, _ in context["acts"]]
        context["is_past"] = context.get("tried") not in [None, *names]
        context["lacks"] += _missing(edition, content, rendering, context["on_list"])
        for _, form in context["acts"]:
            context["media"] += form.media
        return super().render_change_form(request, context, *args, **kwargs)

    def _forms(
        self, request: HttpRequest, edition: Edition, seen: str, context: Mapping[str, Any]
    ) -> list[tuple[acts.Act, forms.Form]]:
        """Return what can be done now, each with its form: the one that was refused as it was."""
        slot = editions.slot_of(edition.week)
        looked_at = {"seen": seen, "words": acts.mark_of(edition)}
        initial = {**looked_at, "starts_at": slot if slot > timezone.now() else None}
        found: list[tuple[acts.Act, forms.Form]] = []
        for act in acts.possible(edition, request.user):
            form: Any = act.form(prefix=act.name, initial=initial)
            if context.get("tried") == act.name:
                form = context["tried_form"]
                form.data = form.data.copy()
                for name in looked_at:  # what the page shows now is what is looked at now
                    form.data[form.add_prefix(name)] = looked_at[name]
            found.append((act, form))
        return found

    # Beside the page

    def draft_view(self, request: HttpRequest) -> HttpResponse:
        """Make this week's draft now, without waiting for the clock."""
        if not super().has_change_permission(request):
            raise PermissionDenied
        week, _ = editions.next_slot(timezone.now())
        edition = editions.draft(week)
        if edition is None:
            edition = Edition.objects.filter(week=week).first()
            if edition is None:
                messages.warning(
                    request, "Nothing has changed since the last edition, so there is none to make."
                )
                return redirect("admin:digest_edition_changelist")
        else:
            self.log_addition(request, edition, "The draft was made.")
        return redirect("admin:digest_edition_change", edition.pk)

    @framed
    def frame_view(self, request: HttpRequest, pk: int, look: str) -> HttpResponse:
        """Answer with a part of the mail as it would arrive, for its frame.

        A page names what it was made for; where that has changed meanwhile, the frame says so
        instead of showing what would not be approved.
        """
        edition = self._seen_by(request, pk)
        if look not in LOOKS:
            raise Http404
        if request.GET.get("seen") not in (None, rendering_for(edition, ()).digest):
            return HttpResponse(STALE, status=409)
        address = getattr(request.user, "email", "") or "you@example.org"
        message: Any = Letter.of(edition, ()).email_for(address, None).message()
        return Parts.of(message.as_bytes(linesep="\r\n")).shown(Look(look))

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the piece of an edition's page that shows how far it has come."""
        edition = self._seen_by(request, pk)
        if edition.started_at is None:
            raise Http404
        picture = Picture.of(edition, Sample.read(request.GET))
        context = {"picture": picture, "edition": edition}
        return TemplateResponse(request, "admin/digest/edition/progress.html", context)

    def unknowns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the deliveries of which nobody knows, and let the editor decide."""
        edition = self._seen_by(request, pk)
        return unknowns.page(self, request, edition)

    def _seen_by(self, request: HttpRequest, pk: int) -> Edition:
        edition = Edition.objects.filter(pk=pk).first()
        if not self.has_view_permission(request, edition):
            raise PermissionDenied
        if edition is None:
            raise Http404
        return edition


def _readiness(request: HttpRequest) -> dict[str, Any]:
    """Say whether mail leaves at all, what it lacks, where it is kept, and who sends it."""
    may_see = request.user.has_perm("digest.view_keptmail")
    return {
        "is_configured": readiness.is_configured(),
        "lacks": list(readiness.lacks()),
        "silence": workers.silence(),
        "keptmail_address": reverse("admin:digest_keptmail_changelist") if may_see else "",
    }


def _missing(
    edition: Edition, content: Content, rendering: Rendering, on_list: int | None
) -> list[str]:
    """Say what an edition lacks before it can go out."""
    if edition.status not in (Stage.DRAFT, Stage.APPROVED):
        return []
    missing = []
    if content.is_empty:
        missing.append("There is nothing in it. Publish something, then build it again.")
    try:
        check_size(rendering)
    except ValidationError as error:
        missing += error.messages
    if not on_list:
        missing.append("Nobody is on the list yet, so it would go to nobody.")
    return missing
