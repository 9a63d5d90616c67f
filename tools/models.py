"""Facts: who makes a tool, what kind of tool it is, what it costs and since when."""

from datetime import date
from typing import Any

import pgtrigger
from django.core.exceptions import ValidationError
from django.core.validators import (
    MinValueValidator,
    RegexValidator,
    URLValidator,
)
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from . import changes  # noqa: F401 - its model is this app's
from .markdown import MarkdownField, RenderedMarkdownField
from .pricing import Entry, Period, PlanKind, PlanLine, Pricing, current_price
from .querysets import CategoryQuerySet, PriceQuerySet, ToolQuerySet
from .slugs import SlugField, slug_constraint
from .status import Publishable, Status, move_triggers, publishing_permissions
from .triggers import change_noted, kept_with, versions_kept

# Below a name that a vendor may choose freely; longer ones are a mistake.
NAME_LENGTH = 200


def named_constraint() -> models.CheckConstraint:
    """Return the promise that a row has a name."""
    return models.CheckConstraint(
        condition=~Q(name=""),
        name="%(app_label)s_%(class)s_named",
        violation_error_message="A name is needed.",
    )


def validate_not_ahead(day: date) -> None:
    """Refuse a day that has not come: nobody can have looked then."""
    if day > timezone.localdate():
        raise ValidationError("This day has not come yet.")


class WebAddressField(models.URLField):
    """An address on the web; one that is entered without a scheme means https."""

    default_validators = [URLValidator(schemes=["http", "https"])]

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"assume_scheme": "https"} | kwargs)


class Vendor(models.Model):
    """The company behind a tool."""

    slug = SlugField()
    name = models.CharField(max_length=NAME_LENGTH)
    website = WebAddressField(blank=True)

    class Meta:
        ordering = [Lower("name"), "slug"]
        constraints = [slug_constraint(), named_constraint()]
        triggers = [change_noted()]

    def __str__(self) -> str:
        return self.name


class Category(models.Model):
    """What kind of tool it is; each tool is in one."""

    slug = SlugField()
    name = models.CharField(max_length=NAME_LENGTH)
    description = MarkdownField(blank=True)
    description_html = RenderedMarkdownField(source="description")

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name"), "slug"]
        verbose_name_plural = "categories"
        constraints = [slug_constraint(), named_constraint()]
        triggers = [change_noted()]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("category", args=[self.slug])


class Tool(Publishable):
    """The thing judged."""

    slug = SlugField()
    name = models.CharField(max_length=NAME_LENGTH)
    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="tools")
    category = models.ForeignKey(Category, models.PROTECT, related_name="tools")
    tagline = models.CharField(
        max_length=200, blank=True, help_text="What it is best for, as a phrase without full stop."
    )
    description = MarkdownField(blank=True, help_text="Markdown.")
    description_html = RenderedMarkdownField(source="description")
    website = WebAddressField(blank=True)
    released_on = models.DateField(null=True, blank=True)

    objects = ToolQuerySet.as_manager()

    class Meta:
        ordering = [Lower("name"), "slug"]
        constraints = [*Publishable.Meta.constraints, slug_constraint(), named_constraint()]
        permissions = publishing_permissions("tool")
        triggers = [
            *move_triggers("NEW.name"),
            versions_kept(
                "name", "slug", "vendor_id", "category_id", "tagline", "description", "website",
                "released_on", "status", "published_at",
            ),
            change_noted(),
        ]  # fmt: skip
        indexes = [
            # Lists of everything, of a category, and by name; each only ever shows what is public.
            models.Index(fields=["-published_at", "-id"], name="tools_tool_newest"),
            models.Index(
                fields=["category", "-published_at", "-id"], name="tools_tool_newest_in_category"
            ),
            models.Index(Lower("name"), "slug", name="tools_tool_by_name"),
            # Counting what is public without reading the tools themselves, which are long.
            models.Index(
                fields=["status", "published_at"],
                include=["id", "category", "vendor"],
                name="tools_tool_counted",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tool", args=[self.slug])

    def comparisons(self) -> models.QuerySet[Any]:
        """Return the public comparisons with this tool on either side, the newest first."""
        written = self.comparisons_as_left.model.objects.published()
        return written.filter(Q(left=self) | Q(right=self)).newest().for_cards()

    def scorecard(self) -> Any:
        """Lay out the reviews that a queryset has prefetched."""
        reviews: Any = self.reviews.all()
        return reviews.scorecard()

    def foresee_panel(self) -> None:
        """Put what the prefetched reviews add up to in the place of the public panel, unsaved."""
        card = self.scorecard()
        panel: Any = Tool.panel.related.related_model
        self.panel = panel(
            cells=card.strip.cells, ships=card.strip.ships, mean_score=card.mean_score
        )

    @property
    def strip(self) -> Any:
        """The panel's four verdicts, all open while no review stands."""
        panel: Any = getattr(self, "panel", None) or Tool.panel.related.related_model()
        return panel.strip

    @property
    def count(self) -> Any:
        """The community's counted votes, none while nobody has voted."""
        tally: Any = getattr(self, "tally", None) or Tool.tally.related.related_model()
        return tally.count

    @property
    def pricing(self) -> Pricing:
        """The plans with the prices of today, from what a queryset has prefetched."""
        return Pricing([plan.line() for plan in self.plans.all()])

    @property
    def entry(self) -> Entry:
        """What it takes to start, from the plans that a queryset has prefetched."""
        return Entry.of(plan.kind for plan in self.plans.all())


class Plan(models.Model):
    """A way to pay for a tool."""

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="plans")
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=PlanKind.choices)
    position = models.PositiveSmallIntegerField(default=0, help_text="Plans are shown in order.")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tool", "label"],
                name="tools_plan_label_unique",
                violation_error_message="This tool has a plan of that label already.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=PlanKind.values),
                name="tools_plan_kind_known",
                violation_error_message="This kind of plan does not exist.",
            ),
            models.CheckConstraint(
                condition=~Q(label=""),
                name="tools_plan_labelled",
                violation_error_message="A label is needed.",
            ),
        ]
        triggers = [change_noted()]

    def __str__(self) -> str:
        return self.label

    def line(self, on: date | None = None) -> PlanLine:
        """Return the plan with its price on a day, today if none is given."""
        price = current_price(self.prices.all(), on or timezone.localdate())
        return PlanLine(self.label, self.kind, price)


#: What a currency code looks like (ISO 4217).
CURRENCY = r"^[A-Z]{3}\Z"
#: What may change about a recorded price: when somebody last looked, and where.
MAY_CHANGE = ["checked_on", "source_url"]


class Price(models.Model):
    """A plan's amount from a day on.

    Prices are append-only: a new amount is a new row, and the newest in effect is current. Only
    the day on which somebody last looked, and where, may change.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="prices")
    amount = models.DecimalField(max_digits=14, decimal_places=6, validators=[MinValueValidator(0)])
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(CURRENCY, "A currency is three capital letters (ISO 4217).")],
    )
    period = models.CharField(
        max_length=5, choices=Period.choices, default=Period.MONTH, blank=True
    )
    unit = models.CharField(
        max_length=60, blank=True, help_text="Per what, where usage is paid: “1M input tokens”."
    )
    effective_on = models.DateField(default=timezone.localdate)
    checked_on = models.DateField(default=timezone.localdate, validators=[validate_not_ahead])
    source_url = WebAddressField(blank=True)

    objects = PriceQuerySet.as_manager()

    class Meta:
        ordering = ["effective_on", "id"]
        indexes = [
            models.Index(fields=["plan", "-effective_on", "-id"], name="tools_price_current"),
            models.Index(fields=["-effective_on", "-id"], name="tools_price_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0),
                name="tools_price_amount_not_negative",
                violation_error_message="An amount is not negative.",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=CURRENCY),
                name="tools_price_currency_shape",
                violation_error_message="A currency is three capital letters (ISO 4217).",
            ),
            models.CheckConstraint(
                condition=Q(period__in=Period.values),
                name="tools_price_period_known",
                violation_error_message="This period does not exist.",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="price_append_only", exclude=MAY_CHANGE),
            kept_with("tools_plan", "plan_id", name="price_kept"),
            change_noted(),
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.amount} {self.currency} from {self.effective_on}"


class Act(models.Model):
    """One act that concerns readers: something was published, scheduled or withdrawn.

    The database writes it in the transaction that does it (`status.move_triggers`), whether the
    admin, an import or a shell does, and keeps it as it is. Names stay when rows and accounts go.
    """

    kind = models.CharField(max_length=63, help_text="The table of what was moved.")
    row_id = models.BigIntegerField()
    name = models.TextField(help_text="What it was called then.")
    before = models.CharField("from", max_length=10, choices=Status.choices, blank=True)
    after = models.CharField("to", max_length=10, choices=Status.choices)
    published_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=150, blank=True, help_text="Empty: the command line.")
    reason = models.CharField(max_length=300, blank=True)
    acted_at = models.DateTimeField()

    class Meta:
        ordering = ["-acted_at", "-id"]
        indexes = [
            models.Index(fields=["-acted_at", "-id"], name="tools_act_newest"),
            models.Index(fields=["kind", "row_id"], name="tools_act_of_row"),
        ]
        triggers = [
            pgtrigger.Protect(name="act_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_after_display()}"


class Version(models.Model):
    """What a tool or a comparison said at one time.

    The database writes one whenever a row says something new (`triggers.versions_kept`) and keeps
    it as it is, also when the row is deleted. The versions of a review are its revisions.
    """

    kind = models.CharField(max_length=63, help_text="The table of what said it.")
    row_id = models.BigIntegerField()
    content = models.JSONField(help_text="The row's columns, as the database writes them in JSON.")
    by = models.CharField(max_length=150, blank=True, help_text="Empty: the command line.")
    reason = models.CharField(max_length=300, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "row_id", "id"]
        indexes = [models.Index(fields=["kind", "row_id", "id"], name="tools_version_of_row")]
        triggers = [
            pgtrigger.Protect(name="version_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id} at {self.recorded_at}"

    @property
    def stage(self) -> Status:
        """The status that the row had."""
        return Status(self.content["status"])
