"""Prices are written append-only, and what is known already adds nothing."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from tools.models import Category, Plan, Price, Tool, Vendor
from tools.recording import Quote, record_prices

pytestmark = pytest.mark.django_db

SPRING, SUMMER, AUTUMN = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)


@pytest.fixture
def plan() -> Plan:
    tool = Tool.objects.create(
        slug="anvil",
        name="Anvil",
        vendor=Vendor.objects.create(slug="acme", name="Acme"),
        category=Category.objects.create(slug="agents", name="Agents"),
    )
    return Plan.objects.create(tool=tool, label="Pro", kind="subscription")


def record(plan: Plan, *quotes: tuple, **values) -> list[tuple[str, str]]:
    """Record amounts, each alone or with its day, and return what became of them."""
    recorded = record_prices(
        Quote(plan.pk, Decimal(amount), effective_on=day[0] if day else None, **values)
        for amount, *day in quotes
    )
    return [(news.change, f"{news.price.amount:.2f}") for news in recorded]


def kept(plan: Plan) -> list[tuple[str, date]]:
    return [(f"{price.amount:.2f}", price.effective_on) for price in plan.prices.all()]


def test_a_first_price_takes_dollars_a_month_and_today_where_nothing_is_said(plan):
    assert record(plan, ("20",)) == [("added", "20.00")]
    price, today = Price.objects.get(), timezone.localdate()
    assert (price.currency, price.period, price.unit, price.source_url) == ("USD", "month", "", "")
    assert (price.effective_on, price.checked_on) == (today, today)


def test_the_same_history_again_adds_nothing(plan):
    history = [("20", SPRING), ("25", SUMMER), ("26", SUMMER), ("20", AUTUMN)]
    assert len(record(plan, *history)) == 4
    assert record(plan, *history) == []
    assert kept(plan) == [
        *(("20.00", SPRING), ("25.00", SUMMER), ("26.00", SUMMER), ("20.00", AUTUMN))
    ]


def test_an_old_price_with_its_day_is_known_and_the_newer_one_stays_current(plan):
    record(plan, ("20", SPRING), ("25", SUMMER))
    assert record(plan, ("20", SPRING)) == []
    assert plan.line().price.amount == 25


def test_a_correction_of_a_day_is_added_and_counts(plan):
    record(plan, ("20", SPRING))
    assert record(plan, ("21", SPRING)) == [("added", "21.00")]
    assert plan.line().price.amount == 21


def test_a_price_without_a_day_is_known_when_it_is_the_one_in_effect(plan):
    record(plan, ("20", SPRING), ("30", timezone.localdate() + timedelta(days=9)))
    assert record(plan, ("20",)) == []
    assert record(plan, ("30",)) == [("added", "30.00")]


def test_an_older_price_without_a_day_comes_back_from_today(plan):
    record(plan, ("20", SPRING), ("25", SUMMER))
    assert record(plan, ("20",)) == [("added", "20.00")]
    assert kept(plan)[-1] == ("20.00", timezone.localdate())


def test_quotes_without_a_day_follow_those_with_one(plan):
    assert record(plan, ("25",), ("20", SPRING)) == [("added", "20.00"), ("added", "25.00")]
    assert record(plan, ("25",), ("20", SPRING)) == []


def test_what_a_quote_leaves_out_is_as_in_the_price_before_it(plan):
    record(plan, ("20", SPRING), currency="EUR", period="", unit="seat")
    assert record(plan, ("20",)) == []
    record(plan, ("25", SUMMER))
    price = Price.objects.last()
    assert (price.amount, price.currency, price.period, price.unit) == (25, "EUR", "", "seat")


@pytest.mark.parametrize("change", [{"currency": "EUR"}, {"period": "year"}, {"unit": "seat"}])
def test_another_currency_period_or_unit_is_another_price(change, plan):
    record(plan, ("20", SPRING))
    assert record(plan, ("20", SPRING), **change) == [("added", "20.00")]


def test_a_price_checked_later_is_dated_anew_with_its_source(plan):
    record(plan, ("20", SPRING), checked_on=SPRING)
    told = {"checked_on": SUMMER, "source_url": "https://acme.example/"}
    assert record(plan, ("20", SPRING), **told) == [("checked", "20.00")]
    price = Price.objects.get()
    assert (price.checked_on, price.source_url) == (SUMMER, "https://acme.example/")
    assert record(plan, ("20", SPRING), **told) == []


def test_an_earlier_check_or_none_changes_nothing(plan):
    record(plan, ("20", SPRING), checked_on=SUMMER, source_url="https://acme.example/")
    assert record(plan, ("20", SPRING), checked_on=SPRING, source_url="") == []
    assert record(plan, ("20", SPRING)) == []


def test_a_source_found_later_is_kept_without_another_check(plan):
    record(plan, ("20", SPRING), checked_on=SUMMER)
    assert record(plan, ("20",), source_url="https://acme.example/") == [("checked", "20.00")]
    price = Price.objects.get()
    assert (price.checked_on, price.source_url) == (SUMMER, "https://acme.example/")


def test_a_history_with_the_same_price_twice_is_told_again_without_a_change(plan):
    quotes = [
        Quote(plan.pk, Decimal(amount), effective_on=SPRING, checked_on=checked_on)
        for amount, checked_on in (("20", AUTUMN), ("25", SPRING), ("20", SUMMER))
    ]
    assert len(record_prices(quotes)) == 3
    assert record_prices(quotes) == []


def test_an_amount_that_the_table_refuses_writes_nothing_at_all(plan):
    with pytest.raises(IntegrityError):
        record(plan, ("20", SPRING), ("-1", SUMMER))
    connection.needs_rollback = False
    assert not plan.prices.exists()


def test_many_plans_take_as_many_queries_as_one(plan, django_assert_num_queries):
    others = [Plan(tool=plan.tool, label=f"Plan {n}", kind="free") for n in range(20)]
    Plan.objects.bulk_create(others)
    with django_assert_num_queries(5):  # savepoint, lock, prices, insert, release
        record_prices(Quote(other.pk, Decimal(1)) for other in others)
