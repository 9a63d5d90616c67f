from datetime import date
from decimal import Decimal

import pytest

from tools.charts import PlanHistory
from tools.pricing import DatedPrice, Entry, PlanLine, Pricing, current_price, format_amount

JUNE, JULY, AUGUST = (date(2026, month, 1) for month in (6, 7, 8))


def price(amount, effective_on=JUNE, checked_on=JULY, currency="USD", period="month", unit=""):
    return DatedPrice(Decimal(amount), currency, period, unit, effective_on, checked_on)


@pytest.mark.parametrize(
    ("kinds", "entry"),
    [
        (["subscription", "free"], Entry.FREE),
        (["usage", "quote"], Entry.PAID),
        ([], Entry.UNKNOWN),
    ],
)
def test_entry_is_free_with_any_free_plan_and_unknown_without_a_plan(kinds, entry):
    assert Entry.of(kinds) == entry


def test_the_newest_price_in_effect_is_current():
    prices = [price("10", JUNE), price("20", JULY), price("30", AUGUST)]
    assert current_price(prices, date(2026, 7, 31)).amount == 20


def test_no_price_is_current_before_the_first_takes_effect():
    assert current_price([price("10", JULY)], JUNE) is None


def test_a_correction_of_the_same_day_replaces_what_it_corrects():
    prices = [price("10"), price("12")]
    assert current_price(prices, AUGUST).amount == 12


def test_an_unknown_price_is_neither_zero_nor_free():
    assert PlanLine("API", "usage", None).price_text == "Not known"


def test_a_free_plan_is_free_without_a_recorded_price():
    assert PlanLine("Free tier", "free", None).price_text == "Free"


@pytest.mark.parametrize(
    ("recorded", "text"),
    [
        (price("20.000000"), "USD 20.00 per month"),
        (price("0.0025", period="", unit="1K tokens", currency="EUR"), "EUR 0.0025 per 1K tokens"),
        (price("99", period="once"), "USD 99.00 once"),
        (price("20", unit="seat"), "USD 20.00 per seat per month"),
        (price("0"), "Free"),
    ],
)
def test_a_price_says_its_currency_and_per_what(recorded, text):
    assert PlanLine("Plan", "subscription", recorded).price_text == text


def test_prices_are_as_old_as_the_oldest_check():
    lines = [
        PlanLine("A", "subscription", price("1", checked_on=AUGUST)),
        PlanLine("B", "subscription", price("2", checked_on=JULY)),
        PlanLine("C", "usage", None),
    ]
    assert Pricing(lines).checked_on == JULY
    assert Pricing([]).checked_on is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [("20", "20.00"), ("0.500000", "0.50"), ("0.000250", "0.00025"), ("1000000", "1000000.00")],
)
def test_an_amount_keeps_the_decimals_that_it_needs(amount, text):
    assert format_amount(Decimal(amount)) == text


def test_steps_rise_with_the_price_and_run_until_today():
    history = PlanHistory(
        PlanLine("A", "subscription", None), [price("10"), price("20", JULY)], AUGUST
    )
    assert history.comparable
    assert history.steps == "M8.0 50.0H295.2V8.0H592.0"


def test_prices_in_two_currencies_do_not_share_a_scale():
    two = [price("10"), price("10", JULY, currency="EUR")]
    assert not PlanHistory(PlanLine("A", "subscription", None), two, AUGUST).comparable
