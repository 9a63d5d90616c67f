"""Subscribers on the desk: to find, to look at and to end. Nobody is put on the list here.

Only whoever has an address can agree to be written to, so there is no way to add a subscriber, or
to make one active, by hand. What ends one is written by `consent`.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST

from comparisons.digest import consent, listing
from comparisons.digest.addresses import masked
from comparisons.digest.models import Delivery, Standing, Subscriber
from tools.lists import chosen_rows
from tools.models import Category

from .confirming import ask_first, is_confirmed
from .lists import FoundByAddress
from .suppressions import suppress

#: So many of a subscriber's deliveries stand on their page, the newest first.
DELIVERIES = 20


class TopicFilter(admin.SimpleListFilter):
    """Those who chose a category."""

    title = "topic"
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(slug, name) for slug, name in Category.objects.values_list("slug", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        topic = Category.objects.filter(slug=self.value()).values_list("pk", flat=True).first()
        chosen = Subscriber.topics.through.objects.filter(subscriber=OuterRef("pk"), category=topic)
        return queryset.filter(Exists(chosen))


def log(user: Any, sentence: str, name: str, key: int | None = None) -> None:
    """Write down what somebody did with a subscriber, or with all, without the address.

    The log outlives the subscriber, who may ask to be forgotten.
    """
    LogEntry.objects.create(
        user_id=user.pk,
        content_type_id=ContentType.objects.get_for_model(Subscriber).pk,
        object_id=None if key is None else str(key),
        object_repr=name,
        action_flag=CHANGE,
        change_message=sentence,
    )


@admin.register(Subscriber)
class SubscriberAdmin(FoundByAddress):
    """Who gets the digest, since when, and how they came to it."""

    list_display = ["email", "status_text", "topic_names", "asked_at", "consented_at", "source"]
    list_filter = ["status", TopicFilter]
    search_fields = ["email"]
    sortable_by = ["email"]  # what else there is to sort by has no index
    fields = [
        "email", "status_text", "topic_names", "source", "asked_at", "confirm_sent_at",
        "consented_at", "ended_at", "latest_deliveries",
    ]  # fmt: skip
    actions = ["unsubscribe", "suppress", "forget"]

    def for_list(self, rows: Any) -> QuerySet[Any]:
        return rows.prefetch_related("topics")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whether this user may end subscriptions."""
        return bool(request.user.has_perm("digest.change_subscriber"))

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Whether this user may delete what is stored of somebody."""
        return bool(request.user.has_perm("digest.delete_subscriber"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may_export = request.user.has_perm("digest.export_subscriber")
        return super().changelist_view(request, {"may_export": may_export, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.export_view))
        return [path("export/", view, name="digest_subscriber_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """Hand out the list as CSV, and write down who took it."""
        user: Any = request.user
        if not user.has_perm("digest.export_subscriber"):
            raise PermissionDenied
        log(user, "The list was exported.", "The whole list")
        name = f"subscribers-{timezone.localdate()}.csv"
        return StreamingHttpResponse(
            listing.lines(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @admin.action(description="Unsubscribe", permissions=["end"])
    def unsubscribe(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Take the chosen ones off the list, as if they had left."""
        return self._end(
            request,
            rows,
            "unsubscribe",
            "They get no more mail, not even what waits to be sent. They may sign up again.",
            lambda subscriber: consent.leave(subscriber.pk),
            "Unsubscribed",
        )

    @admin.action(description="Unsubscribe and suppress", permissions=["end"])
    def suppress(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Take the chosen ones off the list, and never write to their addresses again."""

        def end(subscriber: Subscriber) -> None:
            consent.leave(subscriber.pk)
            suppress(subscriber.email)

        return self._end(
            request,
            rows,
            "suppress",
            "They get no more mail, not even to confirm a new sign-up, until somebody lifts the "
            "suppression. For those who ask never to be written to again.",
            end,
            "Unsubscribed and suppressed",
        )

    @admin.action(description="Delete what is stored", permissions=["forget"])
    def forget(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Delete everything that is stored of the chosen ones."""
        return self._end(
            request,
            rows,
            "forget",
            "Everything that is stored of them is deleted. What stays is a keyed hash of the "
            "address, so that nobody writes to it again. This cannot be undone.",
            lambda subscriber: consent.forget(subscriber.pk),
            "Deleted",
        )

    def _end(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        act: str,
        consequence: str,
        end: Callable[[Subscriber], Any],
        done: str,
    ) -> HttpResponse | None:
        chosen = chosen_rows(request, rows)
        if not chosen:
            return None
        if not is_confirmed(request):
            names = ", ".join(subscriber.email for subscriber in chosen[:5])
            more = f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""
            title = str(getattr(type(self), act).short_description)
            back = reverse("admin:digest_subscriber_changelist")
            return ask_first(
                request,
                f"{title}?",
                [f"{len(chosen)} chosen: {names}{more}.", consequence],
                title,
                back,
                {"action": act, "_selected_action": [row.pk for row in chosen]},
                [("Subscribers", back)],
            )
        for subscriber in chosen:
            with transaction.atomic():
                log(request.user, f"{done}.", masked(subscriber.email), subscriber.pk)
                end(subscriber)
        messages.success(request, f"{done}: {len(chosen)}.")
        return None

    @admin.display(description="Status", ordering="status")
    def status_text(self, subscriber: Subscriber) -> str:
        """Say how they stand to the digest."""
        return _standing(subscriber.status, Standing(subscriber.status).label)

    @admin.display(description="Topics")
    def topic_names(self, subscriber: Subscriber) -> str:
        """Name the chosen topics."""
        return ", ".join(topic.name for topic in subscriber.topics.all()) or "All"

    @admin.display(description="Latest mails")
    def latest_deliveries(self, subscriber: Subscriber) -> str:
        """List what was sent to them, the newest first."""
        rows: Any = subscriber.deliveries.select_related("edition")
        rows = rows.only("edition__week", "status", "reply").order_by("-pk")[:DELIVERIES]
        return delivery_lines(rows) or "None yet"


def _standing(key: str, words: str) -> str:
    return format_html('<span class="stage" data-standing="{}">{}</span>', key, words)


def delivery_lines(deliveries: Any) -> str:
    """List deliveries with what became of them; empty where there are none."""
    lines = format_html_join(
        "",
        '<li><a href="{}">{}</a> {} {}</li>',
        (
            (
                reverse("admin:digest_delivery_change", args=[delivery.pk]),
                delivery.edition.week,
                fate(delivery),
                delivery.reply,
            )
            for delivery in deliveries
        ),
    )
    return format_html('<ul class="fates">{}</ul>', lines) if lines else ""


def fate(delivery: Delivery) -> str:
    """Say what became of a mail."""
    return _standing(delivery.status, delivery.get_status_display())
