"""Which tools a page needs, in domain words."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone

from .pricing import PRICE_MAX_AGE, Entry, PlanKind
from .status import Status, is_published


class CategoryQuerySet(models.QuerySet[Any]):
    """Categories, by name."""

    def with_counts(self) -> Self:
        """Add `tool_count`, the number of published tools, and leave out empty categories."""
        published = is_published(prefix="tools__")
        return (
            self.annotate(tool_count=models.Count("tools", filter=published))
            .filter(tool_count__gt=0)
            .order_by(Lower("name"), "slug")
        )


class PriceQuerySet(models.QuerySet[Any]):
    """Prices, oldest first as they were recorded."""

    def current(self, on: date) -> Self:
        """Return each plan's price on a day: the rule of `current_price`, in SQL."""
        newer = self.model.objects.filter(
            Q(effective_on__gt=OuterRef("effective_on"))
            | Q(effective_on=OuterRef("effective_on"), pk__gt=OuterRef("pk")),
            plan=OuterRef("plan"),
            effective_on__lte=on,
        )
        return self.filter(~Exists(newer), effective_on__lte=on)

    def stale(self, on: date) -> Self:
        """Return the current prices of a day that nobody had looked at for too long by then."""
        return self.current(on).filter(checked_on__lt=on - PRICE_MAX_AGE)

    def news(self) -> Self:
        """Return what public tools cost and since when, newest first, with `previous_amount`.

        That is None for a plan's first price. One that repeats the amount before it is no news,
        and neither is one that was corrected the same day or has yet to take effect.
        """
        same_plan = self.model.objects.filter(plan=OuterRef("plan"))
        corrected = same_plan.filter(effective_on=OuterRef("effective_on"), pk__gt=OuterRef("pk"))
        earlier = same_plan.filter(
            effective_on__lt=OuterRef("effective_on"),
            currency=OuterRef("currency"),
            period=OuterRef("period"),
            unit=OuterRef("unit"),
        ).order_by("-effective_on", "-pk")
        return (
            self.filter(
                ~Exists(corrected),
                is_published(prefix="plan__tool__"),
                effective_on__lte=timezone.localdate(),
            )
            .annotate(previous_amount=models.Subquery(earlier.values("amount")[:1]))
            .filter(Q(previous_amount__isnull=True) | ~Q(previous_amount=F("amount")))
            .select_related("plan__tool")
            .order_by("-effective_on", "-pk")
        )

    def changes(self) -> Self:
        """Return the prices that replaced another one, newest first, with `previous_amount`."""
        return self.news().filter(previous_amount__isnull=False)


class ToolQuerySet(models.QuerySet[Any]):
    """Tools."""

    def published(self, at: datetime | None = None) -> Self:
        """Return the tools that readers may see at a moment, now if none is given."""
        return self.filter(is_published(at))

    def called(self, texts: Iterable[str]) -> Self:
        """Return the tools that have one of these texts as slug or as name, whatever its case."""
        texts = list(texts)
        return self.annotate(lower_name=Lower("name")).filter(
            Q(slug__in=[text.lower() for text in texts])
            | Q(lower_name__in=[Lower(Value(text)) for text in texts])
        )

    def for_cards(self) -> Self:
        """Fetch what a card shows: category, vendor, the panel and the kinds of plan.

        Descriptions, the widest columns, stay behind: no card shows them.
        """
        return (
            self.select_related("category", "vendor", "panel", "tally")
            .defer(
                "description",
                "description_html",
                "category__description",
                "category__description_html",
            )
            .prefetch_related("plans")
        )

    def foreseen(self) -> Self:
        """Return the tools that a preview may show: everything but what was withdrawn."""
        return self.exclude(status=Status.WITHDRAWN)

    def for_page(self) -> Self:
        """Fetch what a tool's page shows: reviews with their history, plans with every price."""
        return self.with_reviews()._for_page()

    def for_preview(self) -> Self:
        """Fetch what a tool's page will show once everything that waits for it is public."""
        return self.with_reviews(foreseen=True)._for_page()

    def _for_page(self) -> Self:
        return self.select_related("category", "vendor", "panel", "tally").prefetch_related(
            "reviews__revisions", "plans__prices"
        )

    def with_reviews(self, foreseen: bool = False) -> Self:
        """Fetch the reviews that readers may see and no others, or those that a preview shows."""
        reviews: Any = self.model._meta.get_field("reviews").related_model.objects
        shown = reviews.foreseen() if foreseen else reviews.published()
        return self.prefetch_related(models.Prefetch("reviews", shown))

    def for_desk(self) -> Self:
        """Fetch what an editor's page of a tool shows: every review, plans with every price."""
        return self.select_related("category", "vendor").prefetch_related(
            "reviews", "plans__prices"
        )

    def with_stale_prices(self) -> Self:
        """Return the tools with a price that has to be looked up again; withdrawn ones need not."""
        prices: Any = self.model._meta.get_field("plans").related_model.prices.rel.related_model
        stale = prices.objects.stale(timezone.localdate())
        return self.exclude(status=Status.WITHDRAWN).filter(pk__in=stale.values("plan__tool"))

    def newest(self) -> Self:
        """Order by publication, the latest first."""
        return self.order_by("-published_at", "-id")

    def by_name(self) -> Self:
        """Order by name, whatever its case."""
        return self.order_by(Lower("name"), "slug")

    def ranked(self) -> Self:
        """Order by the number of personas who ship it, then the mean score, then the name.

        A mean counts where all four gave a score. Tools without a review come last.
        """
        return self.order_by(
            F("panel__ships").desc(nulls_last=True),
            F("panel__mean_score").desc(nulls_last=True),
            Lower("name"),
            "slug",
        )

    def readers_choice(self) -> Self:
        """Return those that readers' duels rank in their category, the strongest first."""
        return (
            self.filter(placing__ranking=F("category"))
            .select_related("placing__ranking")
            .only(
                "slug", "name", "category_id", "placing__ranking__computed_at", "placing__duels",
                "placing__win_rate", "placing__low", "placing__high",
            )
            .order_by("-placing__win_rate", "pk")
        )  # fmt: skip

    def contested(self) -> Self:
        """Order by how much the personas disagree; tools without a review come last."""
        return self.order_by(F("panel__contest").desc(nulls_last=True), Lower("name"), "slug")

    def favoured(self) -> Self:
        """Order by the ship share that is almost certainly reached: the Wilson lower bound.

        `reviews.tallies.Count.rank` has the formula. Tools without a vote come last.
        """
        return self.order_by(F("tally__rank").desc(nulls_last=True), Lower("name"), "slug")

    def where_readers_divide(self) -> Self:
        """Return the tools of which either side is surely a third, the evenest first."""
        divided = self.filter(tally__contest__gte=1 / 3).select_related("tally")
        return divided.order_by(F("tally__contest").desc(), Lower("name"), "slug")

    def where_readers_agree(self) -> Self:
        """Return the tools of which one side is surely three quarters, the widest first."""
        agreed = self.filter(tally__agreement__gte=3 / 4).select_related("tally")
        return agreed.order_by(F("tally__agreement").desc(), Lower("name"), "slug")

    def disputed(self) -> Self:
        """Order by how evenly the readers are divided; tools with too few votes come last."""
        return self.order_by(F("tally__contest").desc(nulls_last=True), Lower("name"), "slug")

    def agreed(self) -> Self:
        """Order by how one-sided the votes are; tools with too few votes come last."""
        return self.order_by(F("tally__agreement").desc(nulls_last=True), Lower("name"), "slug")

    def with_verdict(self, outcome: str) -> Self:
        """Return the tools whose panel says this; a tool without reviews is pending."""
        if outcome == "pending":
            return self.filter(Q(panel__isnull=True) | Q(panel__outcome=outcome))
        return self.filter(panel__outcome=outcome)

    def with_entry(self, entry: Entry) -> Self:
        """Return the tools that take this to start: the rule of `Entry.of`, in SQL."""
        plans = self.model._meta.get_field("plans").related_model.objects.filter(
            tool=OuterRef("pk")
        )
        free = Exists(plans.filter(kind=PlanKind.FREE))
        if entry == Entry.FREE:
            return self.filter(free)
        if entry == Entry.PAID:
            return self.filter(Exists(plans), ~free)
        return self.filter(~Exists(plans))
