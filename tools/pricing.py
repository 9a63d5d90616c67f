"""What a tool costs: plans, prices, and what it takes to start. No database is needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from django.db import models


class PlanKind(models.TextChoices):
    """A way to pay."""

    FREE = "free", "Free"
    SUBSCRIPTION = "subscription", "Subscription"
    USAGE = "usage", "Usage"
    ONE_TIME = "one_time", "One-time"
    QUOTE = "quote", "On request"


#: A price that nobody has looked at for longer than this is stale.
PRICE_MAX_AGE = timedelta(days=90)

# What a price says when it is no amount.
FREE = "Free"
NOT_KNOWN = "Not known"


class Period(models.TextChoices):
    """How often an amount is due; usage has none and says per what instead."""

    MONTH = "month", "per month"
    YEAR = "year", "per year"
    ONCE = "once", "once"
    USAGE = "", "per use"


class Entry(models.TextChoices):
    """What it takes to start. Unknown is not zero and not free."""

    FREE = "free", "Free"
    PAID = "paid", "Paid"
    UNKNOWN = "", "Unknown"

    @classmethod
    def of(cls, kinds: Iterable[str]) -> "Entry":
        """Return Free when any plan is free, Paid when none is, Unknown when there is no plan."""
        kinds = list(kinds)
        if not kinds:
            return cls.UNKNOWN
        return cls.FREE if PlanKind.FREE in kinds else cls.PAID


class Priced(Protocol):
    """Anything that reads like a price: a row, or the dataclass below."""

    @property
    def amount(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...
    @property
    def period(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def effective_on(self) -> date: ...
    @property
    def checked_on(self) -> date: ...


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price without its row."""

    amount: Decimal
    currency: str
    period: str
    unit: str
    effective_on: date
    checked_on: date


PricedT = TypeVar("PricedT", bound=Priced)


def current_price(prices: Iterable[PricedT], on: date) -> PricedT | None:
    """Return the newest of `prices` that is in effect on the day, None if none is yet.

    `prices` come oldest first as they were recorded, so of two that hold from the same day the
    later one, a correction, is current.
    """
    current = None
    for price in prices:
        if price.effective_on <= on and (
            current is None or price.effective_on >= current.effective_on
        ):
            current = price
    return current


def format_amount(amount: Decimal) -> str:
    """Return an amount with two decimals, or as many as it needs: 20.00, 0.0025."""
    whole, _, decimals = f"{amount:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def describe_price(price: Priced) -> str:
    """Return a price in words: “USD 20.00 per month”, “USD 0.25 per 1M tokens”, “Free”."""
    if not price.amount:
        return FREE
    per = [f"per {price.unit}"] if price.unit else []
    if price.period or not price.unit:
        per.append(Period(price.period).label)
    return " ".join([price.currency, format_amount(price.amount), *per])


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One plan with its current price, as pages show it; None where no price is known."""

    label: str
    kind: str
    price: Priced | None

    @property
    def price_text(self) -> str:
        """The price in words. A free plan needs no recorded price to be free."""
        if self.price is not None:
            return describe_price(self.price)
        return FREE if self.kind == PlanKind.FREE else NOT_KNOWN


@dataclass(frozen=True, slots=True)
class Pricing:
    """A tool's plans in their order."""

    plans: Sequence[PlanLine]

    @property
    def entry(self) -> Entry:
        """What it takes to start."""
        return Entry.of(plan.kind for plan in self.plans)

    @property
    def summary(self) -> str:
        """The plans' labels in one line; empty when no plan is recorded."""
        return " / ".join(plan.label for plan in self.plans)

    @property
    def checked_on(self) -> date | None:
        """The day since which every known price has been checked, so the oldest check."""
        return min((plan.price.checked_on for plan in self.plans if plan.price), default=None)
