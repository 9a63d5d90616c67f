"""Plans with their prices now, and new ones, as the pages of a tool and of a plan hold them."""

from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import fields_for_model
from django.utils import timezone

from .merging import MergingForm
from .models import Plan, Price
from .pricing import PRICE_MAX_AGE, Period, PlanKind, PlanLine
from .recording import Quote, check_prices, record_prices

#: What a new price says, beside whose it is and that it was looked up today.
PRICE_FIELDS = ["amount", "currency", "period", "unit", "effective_on", "source_url"]


class PlanForm(MergingForm):
    """A plan, and the price to add to it if an amount is given; those before stay as they are."""

    class Meta:
        model = Plan
        fields = ["label", "kind", "position"]
        labels = {"position": "Place"}
        help_texts = {"position": ""}

    def __init__(self, *args: Any, may_add_price: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_add_price = may_add_price
        self.price: Price | None = None
        if not may_add_price:
            return
        by_use = self.instance.kind == PlanKind.USAGE
        before = self.current or Price(period=Period.USAGE if by_use else Period.MONTH)
        fields = fields_for_model(
            Price,
            PRICE_FIELDS,
            widgets={"effective_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})},
            labels={"amount": "Amount", "effective_on": "From", "source_url": "Source"},
            help_texts={"effective_on": "Empty: from today on.", "unit": "“1M input tokens”."},
        )
        self.fields.update(fields)
        for name in ("currency", "period", "unit"):
            self.initial[name] = getattr(before, name)
            # What somebody else made the price before this one meanwhile is no change here.
            self.fields[name].show_hidden_initial = bool(self.instance.pk)
        for name in PRICE_FIELDS:
            self.fields[name].required = False
        self.fields["effective_on"].initial = None
        self.fields["effective_on"].show_hidden_initial = False

    @cached_property
    def line(self) -> PlanLine:
        """The plan as it stands, with its current price; its prices come prefetched."""
        return self.instance.line() if self.instance.pk else PlanLine("", PlanKind.QUOTE, None)

    @property
    def current(self) -> Any:
        """The price in effect, if any is known."""
        return self.line.price

    @property
    def ahead(self) -> list[Price]:
        """The prices that are recorded and not yet in effect."""
        today = timezone.localdate()
        prices = self.instance.prices.all() if self.instance.pk else []
        return [price for price in prices if price.effective_on > today]

    @property
    def age(self) -> int | None:
        """How many days ago somebody looked at the current price."""
        return (timezone.localdate() - self.current.checked_on).days if self.current else None

    @property
    def is_stale(self) -> bool:
        """Whether somebody should look again."""
        return self.age is not None and self.age > PRICE_MAX_AGE.days

    @property
    def facts(self) -> list[forms.BoundField]:
        """The fields of the plan itself."""
        return [field for field in self.visible_fields() if field.name not in PRICE_FIELDS]

    @property
    def new_price(self) -> list[forms.BoundField]:
        """The fields of the price to add; none for those who may not."""
        return [field for field in self.visible_fields() if field.name in PRICE_FIELDS]

    @property
    def begun(self) -> bool:
        """Whether a new price has been entered, right or wrong."""
        return self.is_bound and bool(set(PRICE_FIELDS) & {*self.changed_data, *self.errors})

    def clean(self) -> dict[str, Any]:
        """Look at the new price as the table would."""
        cleaned = super().clean() or {}
        given = set(PRICE_FIELDS) & set(self.changed_data)
        if not given or given & set(self.errors):
            return cleaned
        if cleaned.get("amount") is None:
            self.add_error("amount", "Say the amount of this new price, too.")
            return cleaned
        said = {name: cleaned[name] for name in PRICE_FIELDS if name in cleaned}
        price = Price(
            **said | {"effective_on": cleaned.get("effective_on") or timezone.localdate()}
        )
        try:
            price.full_clean(exclude=["plan"])
        except ValidationError as error:
            self.add_error(None, error)
        else:
            self.price = price
        return cleaned

    def quote(self) -> Quote | None:
        """Return the new price of the saved plan, None without one."""
        if self.price is None:
            return None
        return Quote(
            plan_id=self.instance.pk,
            amount=self.price.amount,
            currency=self.price.currency,
            period=self.price.period,
            unit=self.price.unit,
            effective_on=self.cleaned_data["effective_on"],
            checked_on=timezone.localdate(),
            source_url=self.price.source_url or None,
        )


class PlanFormSet(forms.BaseInlineFormSet):
    """A tool's plans. Saving adds their new prices, and dates what a button says was checked."""

    may_add_price = may_check = False

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return super().get_form_kwargs(index) | {"may_add_price": self.may_add_price}

    def full_clean(self) -> None:
        """Look at the plans once nobody else writes them, nor their prices."""
        if self.is_bound and self.instance.pk:
            # In the order in which `record_prices` locks, so that no two wait for each other.
            plans = Plan.objects.filter(tool=self.instance.pk).order_by("pk")
            list(plans.select_for_update(no_key=True).values_list("pk"))
        super().full_clean()

    @property
    def checkable(self) -> list[PlanForm]:
        """The plans whose price may be said to hold still."""
        plans: list[Any] = self.forms
        return [form for form in plans if form.current] if self.may_check else []

    def save(self, commit: bool = True) -> list[Plan]:
        """Write the plans and their new prices, then date the prices that were checked."""
        saved: list[Plan] = super().save(commit)
        plans: list[Any] = self.forms
        quotes = [form.quote() for form in plans if form.has_changed()]
        record_prices(quote for quote in quotes if quote)
        wanted = self.data.get("_check")
        checked = [
            form.instance for form in self.checkable if wanted in ("all", str(form.instance.pk))
        ]
        if checked:
            check_prices([plan.pk for plan in checked])
        return saved


class PriceFormSet(forms.BaseInlineFormSet):
    """A plan's prices. New ones are recorded like any others: what is kept already adds nothing."""

    def save_new_objects(self, commit: bool = True) -> list[Price]:
        """Record the new prices and return those that were added."""
        entered = [
            self.save_new(form, commit=False) for form in self.extra_forms if form.has_changed()
        ]
        recorded = record_prices(
            Quote(
                plan_id=self.instance.pk,
                amount=price.amount,
                currency=price.currency,
                period=price.period,
                unit=price.unit,
                effective_on=price.effective_on,
                checked_on=price.checked_on,
                source_url=price.source_url or None,
            )
            for price in entered
        )
        self.new_objects = [news.price for news in recorded if news.change == "added"]
        return self.new_objects
