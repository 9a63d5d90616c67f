"""What became of every single mail, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from comparisons.digest import messages as mail
from comparisons.digest.models import Delivery, Edition

from .lists import FoundByAddress
from .subscribers import fate

#: So many editions can be chosen from, the newest first.
EDITIONS = 26


class EditionFilter(admin.SimpleListFilter):
    """The deliveries of one edition: all of them together are too many for a list."""

    title = "edition"
    parameter_name = "edition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        weeks = Edition.objects.filter(started_at__isnull=False).values_list("week", flat=True)
        return [(week, week) for week in weeks.order_by("-week")[:EDITIONS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        # With the key in hand Postgres reads the deliveries in the order of their index.
        edition = Edition.objects.filter(week=self.value()).values_list("pk", flat=True).first()
        return queryset.filter(edition=edition)


@admin.register(Delivery)
class DeliveryAdmin(FoundByAddress):
    """Mails of editions to single subscribers."""

    subscriber_field = "subscriber"
    list_display = ["whom", "edition", "fate", "attempts", "ended_at", "reply"]
    list_filter = [EditionFilter, "status"]
    list_select_related = ["edition"]
    search_fields = ["address"]
    sortable_by = ()
    fields = [
        "whom", "edition", "fate", "attempts", "first_try", "next_try", "ended_at", "reply",
        "message_id",
    ]  # fmt: skip
    actions = None

    def get_ordering(self, request: HttpRequest) -> Any:
        """Sort what is filtered in the order of the index that finds it (`digest_delivery_due`)."""
        if EditionFilter.parameter_name in request.GET:
            return ["status", "next_try", "pk"]
        return ["-pk"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def for_list(self, rows: Any) -> QuerySet[Any]:
        return rows.only(
            "address", "edition__week", "status", "attempts", "ended_at", "reply", "subscriber_id"
        )

    @admin.display(description="Address")
    def whom(self, delivery: Delivery) -> str:
        """Say to whom it goes."""
        return delivery.address or "Somebody who left"

    @admin.display(description="Status", ordering="status")
    def fate(self, delivery: Delivery) -> str:
        """Say what became of it."""
        return fate(delivery)

    @admin.display(description="Message-ID")
    def message_id(self, delivery: Delivery) -> str:
        """Return by what a mail server's log knows it."""
        if not delivery.subscriber_id:
            return "Not known any more: whoever got it was deleted"
        return mail.message_id(delivery.edition, delivery.subscriber_id)
