"""The one way in which prices are written: append-only, many plans in one go."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from django.db import transaction
from django.utils import timezone

from .models import Plan, Price
from .pricing import Period, current_price
from .sequences import continuation


@dataclass(frozen=True, slots=True)
class Quote:
    """What a plan is said to cost.

    What is None stays as the plan's price before had it, or takes its default: US dollars, by the
    month, from today, looked up today.
    """

    plan_id: int
    amount: Decimal
    currency: str | None = None
    period: str | None = None
    unit: str | None = None
    effective_on: date | None = None
    checked_on: date | None = None
    source_url: str | None = None

    def repeats(self, price: Price) -> bool:
        """Whether the price says the same already; its days are not looked at."""
        return (
            self.amount == price.amount
            and self.currency in (None, price.currency)
            and self.period in (None, price.period)
            and self.unit in (None, price.unit)
        )

    def rechecks(self, price: Price) -> bool:
        """Whether somebody has looked again since the price was recorded, or found its source."""
        if self.checked_on is not None and self.checked_on != price.checked_on:
            return self.checked_on > price.checked_on
        return self.source_url not in (None, price.source_url)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A price that was added, or whose day of checking (with its source) was brought up to date."""

    price: Price
    change: Literal["added", "checked"]


def record_prices(quotes: Iterable[Quote]) -> list[Recorded]:
    """Write quotes, in their order, as prices of the plans they belong to.

    Quotes for one plan that hold from the same day are that day's history, the last one being the
    correction that counts. What is kept already adds nothing, so recording the same again changes
    nothing; a quote without a day is compared with the price in effect. A quote that repeats the
    newest price of its day but was checked later only dates that price anew. Runs in one
    transaction and locks the plans, so that two writers come one after the other.

    Returns what was added and what was checked again, plan by plan; a known price is not
    mentioned. Raises IntegrityError where a quote breaks a promise of the tables (a negative
    amount, say).
    """
    wanted: dict[int, list[Quote]] = defaultdict(list)
    for quote in quotes:
        wanted[quote.plan_id].append(quote)
    with transaction.atomic():
        # Always in the same order, so that no two writers wait for each other.
        list(
            Plan.objects.filter(pk__in=wanted)
            .order_by("pk")
            .select_for_update(no_key=True)
            .values_list("pk")
        )
        kept: dict[int, list[Price]] = defaultdict(list)
        for price in Price.objects.filter(plan__in=wanted).order_by("pk"):
            kept[price.plan_id].append(price)
        recorded = [
            news
            for plan_id, of_plan in wanted.items()
            for news in _continue_plan(kept[plan_id], of_plan, timezone.localdate())
        ]
        _save(recorded)
    return recorded


def check_prices(plans: Iterable[int]) -> list[Recorded]:
    """Note that somebody has looked up today what these plans cost, and nothing has changed.

    `plans` are primary keys. Returns the current prices that are dated anew; those that were looked
    up today already, and plans without a price, are not mentioned.
    """
    today = timezone.localdate()
    current: Iterable[Price] = Price.objects.current(today).filter(plan__in=plans)
    return record_prices(
        Quote(
            plan_id=price.plan_id,
            amount=price.amount,
            currency=price.currency,
            period=price.period,
            unit=price.unit,
            effective_on=price.effective_on,
            checked_on=today,
        )
        for price in current
    )


def _continue_plan(prices: list[Price], quotes: list[Quote], today: date) -> list[Recorded]:
    """Return what these quotes add to a plan's prices; the new ones are put into `prices`, too."""
    by_day: dict[date | None, list[Quote]] = defaultdict(list)
    for quote in quotes:
        by_day[quote.effective_on].append(quote)
    undated = by_day.pop(None, [])
    recorded: list[Recorded] = []
    for day, of_day in by_day.items():
        kept = [price for price in prices if price.effective_on == day]
        recorded += _continue_day(prices, kept, of_day, today)
    # Last, because they are compared with what is in effect once the dated ones are known.
    in_effect = [price for price in prices if price.effective_on <= today]
    in_effect.sort(key=lambda price: price.effective_on)
    return recorded + _continue_day(prices, in_effect, undated, today)


def _continue_day(
    prices: list[Price], kept: list[Price], told: list[Quote], today: date
) -> list[Recorded]:
    """Join what was told to what was kept, where both hold from the same day."""
    news = continuation(kept, told, lambda price, quote: quote.repeats(price))
    recorded: list[Recorded] = []
    for quote in news:
        price = _price(quote, prices, today)
        prices.append(price)
        recorded.append(Recorded(price, "added"))
    if told and not news and told[-1].rechecks(kept[-1]):
        _recheck(kept[-1], told[-1])
        recorded.append(Recorded(kept[-1], "checked"))
    return recorded


def _price(quote: Quote, prices: list[Price], today: date) -> Price:
    """Return the quote as a new price; what it leaves out is as in the price before it."""
    effective_on = quote.effective_on or today
    # The first one that says per what and not how often is paid by use.
    first = Price(period=Period.USAGE if quote.unit else Period.MONTH)
    before = current_price(prices, effective_on) or first
    return Price(
        plan_id=quote.plan_id,
        amount=quote.amount,
        currency=before.currency if quote.currency is None else quote.currency,
        period=before.period if quote.period is None else quote.period,
        unit=before.unit if quote.unit is None else quote.unit,
        effective_on=effective_on,
        checked_on=quote.checked_on or today,
        source_url=quote.source_url or "",
    )


def _recheck(price: Price, quote: Quote) -> None:
    if quote.checked_on is not None:
        price.checked_on = quote.checked_on
    if quote.source_url is not None:
        price.source_url = quote.source_url


def _save(recorded: list[Recorded]) -> None:
    added = [news.price for news in recorded if news.change == "added"]
    Price.objects.bulk_create(added, batch_size=500)
    for news in recorded:
        if news.change == "checked":
            news.price.save(update_fields=["checked_on", "source_url"])
