"""Deliveries of which nobody knows whether they arrived: an editor looks, and decides."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from comparisons.digest import editions
from comparisons.digest.messages import message_id
from comparisons.digest.models import Delivery, DeliveryStatus, Edition

from .confirming import ask_first, is_confirmed

#: A page shows so many at once, and what is decided on at once is on one page.
SHOWN = 200
#: What an editor can say of them: as it stands in the form, on the button, and what it means.
DECISIONS = {
    "arrived": (
        "They arrived",
        "They count as sent, and nobody is written to again. Say so when the mail server’s log "
        "shows their Message-ID as accepted.",
        "counted as sent",
    ),
    "again": (
        "Send again",
        "They are sent once more. Whoever has got the mail already gets it a second time, so say "
        "so only when the mail server’s log does not know their Message-ID.",
        "sent again",
    ),
}


def page(desk: admin.ModelAdmin, request: HttpRequest, edition: Edition) -> HttpResponse:
    """Show an edition's unknown deliveries, and settle those that were chosen."""
    may_settle = bool(request.user.has_perm("digest.send_edition"))
    if not request.user.has_perm("digest.view_delivery"):
        raise PermissionDenied
    refused = ""
    if request.method == "POST":
        if not may_settle:
            raise PermissionDenied
        answer = _settle(desk, request, edition)
        if not isinstance(answer, str):
            return answer
        refused = answer
    unknown = edition.deliveries.filter(status=DeliveryStatus.UNKNOWN)
    rows: Any = list(unknown.order_by("next_try", "pk")[:SHOWN])
    for row in rows:
        row.message_id = message_id(edition, row.subscriber_id) if row.subscriber_id else ""
        row.moment = row.ended_at or row.first_try
        row.is_chosen = str(row.pk) in request.POST.getlist("chosen")
    context = {
        **desk.admin_site.each_context(request),
        "title": f"Unknown deliveries of {edition}",
        "edition": edition,
        "deliveries": rows,
        "count": unknown.count(),
        "may_settle": may_settle,
        "decisions": [(key, words[0]) for key, words in DECISIONS.items()],
        "refused": refused,
    }
    return TemplateResponse(request, "admin/digest/edition/unknowns.html", context)


def _settle(desk: Any, request: HttpRequest, edition: Edition) -> HttpResponse | str:
    """Do what was decided, ask first, or return the sentence that says why neither."""
    decision = DECISIONS.get(request.POST.get("decision", ""))
    keys = _chosen(request)
    if decision is None:
        return "Nothing was decided: say whether they arrived or should be sent again."
    chosen: Any = Delivery.objects.filter(
        edition=edition, pk__in=keys, status=DeliveryStatus.UNKNOWN
    )
    count = chosen.count()
    if not count:
        return "Nothing was decided: choose at least one that is still unknown."
    button, meaning, done = decision
    here = reverse("admin:digest_edition_unknowns", args=[edition.pk])
    if not is_confirmed(request):
        return ask_first(
            request,
            f"{button}: {count:,}?",
            [meaning],
            button,
            here,
            {"decision": request.POST["decision"], "chosen": keys},
            [
                ("Editions", reverse("admin:digest_edition_changelist")),
                (str(edition), reverse("admin:digest_edition_change", args=[edition.pk])),
                ("Unknown deliveries", here),
            ],
        )
    try:
        settled = editions.settle_unknown(chosen, as_sent=request.POST["decision"] == "arrived")
    except ValidationError as error:
        return " ".join(error.messages)
    desk.log_change(request, edition, f"Unknown deliveries {done}: {settled:,}.")
    messages.success(request, f"Deliveries {done}: {settled:,}.")
    return redirect(here)


def _chosen(request: HttpRequest) -> list[str]:
    """Return the keys that were ticked, or all that the page showed: not what came later."""
    sent = request.POST.getlist("chosen")
    if "all" in request.POST:
        sent = request.POST.get("shown", "").split()
    return [key for key in sent if key.isascii() and key.isdigit() and len(key) < 19][:SHOWN]
