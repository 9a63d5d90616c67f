from datetime import date, timedelta

import pytest
from django.utils import timezone

from reviews.writing import Statement, record_reviews
from tests import cast

pytestmark = pytest.mark.django_db


def test_an_empty_database_makes_a_page_that_says_so(site):
    page = site.get("/")
    assert page.one(".empty-box h2") == "Nothing has been judged yet"


def test_it_leads_to_the_newest_comparisons_and_verdicts(site):
    alpha, beta = cast.alpha(), cast.beta()
    cast.delta()
    cast.compare(beta, alpha)
    page = site.get("/")
    assert page.links(".comparison-row") == ["/compare/beta-vs-alpha/"]
    assert page.all("#newest-verdicts ~ .cards .tool-card-name") == ["Beta", "Alpha"]


def test_a_tool_is_news_by_its_reviews_and_not_by_its_page(site):
    old = cast.make_tool("old", published_at=timezone.now() - timedelta(days=400))
    new = cast.alpha()
    assert new.published_at > old.published_at
    cast.review(old, "ship ship ship ship", on=cast.DAY + timedelta(days=1))
    page = site.get("/")
    assert page.all("#newest-verdicts ~ .cards .tool-card-name") == ["Old", "Alpha"]


def test_it_tells_which_verdicts_and_prices_changed(site):
    tool = cast.alpha()
    record_reviews([Statement(tool.pk, "founder", "skip", 20, "No.", reason="It became dear.")])
    tool.plans.get(label="Pro $20/mo").prices.create(amount="25", effective_on=date(2026, 11, 20))
    verdict, price = site.get("/").all(".changes li")
    assert verdict.startswith("Founder on Alpha: ship → skip")
    assert price == "Alpha, Pro $20/mo: USD 20.00 → 25.00 20 Nov 2026"


def test_a_price_that_was_corrected_the_same_day_is_no_news(site):
    plan = cast.alpha().plans.get(label="Pro $20/mo")
    for amount in ("2000", "25"):
        plan.prices.create(amount=amount, effective_on=date(2026, 11, 20))
    (change,) = site.get("/").all(".changes li")
    assert change == "Alpha, Pro $20/mo: USD 20.00 → 25.00 20 Nov 2026"


def test_a_price_of_tomorrow_is_no_news(site):
    tool = cast.alpha()
    tool.plans.get(label="Pro $20/mo").prices.create(amount="25", effective_on=date(2999, 1, 1))
    assert site.get("/").all(".changes li") == []


def test_the_most_contested_tools_are_those_whose_verdicts_disagree(site):
    cast.alpha(), cast.beta()
    split = cast.make_tool("split")
    cast.review(split, "ship ship skip skip")
    page = site.get("/")
    assert page.all("#contested ~ .cards .tool-card-name") == ["Split", "Beta"]


def test_a_draft_comparison_or_one_with_a_draft_tool_is_not_shown(site):
    alpha, beta = cast.alpha(), cast.beta()
    cast.compare(alpha, beta, status="draft")
    cast.compare(alpha, cast.make_tool("hidden", status="draft"))
    assert site.get("/").links(".comparison-row") == []


def test_categories_are_counted_and_empty_ones_left_out(site):
    cast.alpha()
    cast.make_category("Empty", "empty")
    assert site.get("/").all(".tags li") == ["Developer Tools 1"]


def test_categories_stand_by_name(site):
    for name in ("Zebras", "anvils", "Moths"):
        cast.make_tool(name.lower(), category=cast.make_category(name, name.lower()))
    assert site.get("/").all(".tags bdi") == ["anvils", "Moths", "Zebras"]


def test_the_number_of_queries_does_not_grow(site, django_assert_max_num_queries):
    alpha = cast.alpha()
    for number in range(10):
        other = cast.make_tool(f"tool-{number}")
        cast.review(other, "ship ship skip ship")
        cast.review(other, "skip ship skip ship")
        plan = cast.add_plan(other, "Pro", "subscription", "20")
        plan.prices.create(amount="25", effective_on=date(2026, 11, 20))
        cast.compare(alpha, other)
    with django_assert_max_num_queries(11):
        site.get("/")


def test_the_list_of_comparisons_comes_in_pages(site, django_assert_max_num_queries):
    alpha = cast.alpha()
    for number in range(30):
        cast.compare(alpha, cast.make_tool(f"tool-{number}"))
    with django_assert_max_num_queries(2):
        assert len(site.get("/compare/").links(".comparison-row")) == 24
    assert len(site.get("/compare/?page=2").links(".comparison-row")) == 6
    site.get("/compare/?page=3", status=404)


def test_an_empty_list_of_comparisons_says_what_to_do(site):
    assert "No comparison has been written yet" in site.get("/compare/").text


def test_the_methodology_states_the_codes_own_figures(site):
    from comparisons.answers import CLEAR_LEAD
    from reviews.personas import Persona

    page = site.get("/methodology/")
    assert f"at least {CLEAR_LEAD} points apart" in page.text
    for persona in Persona:
        assert persona.lens.question in page.text
