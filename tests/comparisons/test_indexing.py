"""Which comparisons may stand in an index: one rule, in Python and in SQL."""

from datetime import timedelta

import pytest
from django.utils import timezone

from comparisons.indexing import comparison_lacks
from comparisons.models import Comparison
from tests import cast

pytestmark = pytest.mark.django_db


def ready(slug):
    tool = cast.make_tool(slug)
    cast.review(tool, "ship ship ship skip")
    cast.check_price(tool)
    return tool


def test_reviews_a_checked_price_and_a_text_are_all_that_is_needed():
    cast.compare(ready("one"), ready("two"))
    (comparison,) = Comparison.objects.indexable()
    assert comparison_lacks(comparison) == []


def test_what_is_missing_is_said_in_sentences():
    comparison = cast.compare(cast.gamma(), cast.delta(), summary="", status="draft")
    assert comparison_lacks(comparison) == [
        "The comparison is not public.",
        "Gamma has 3 of its 4 reviews.",
        "Delta has 0 of its 4 reviews.",
        "No price of Gamma was checked in the last 90 days.",
        "No price of Delta was checked in the last 90 days.",
        "No editor’s text says what separates them.",
    ]


def test_the_page_and_the_database_agree_on_every_case(site):
    """One comparison a case, each of a ready tool with one that lacks something."""
    today = timezone.localdate()
    later = timezone.now() + timedelta(hours=1)
    cases = {}

    def case(slug, indexable, tool=None, **facts):
        cases[cast.compare(ready(f"ready-{slug}"), tool or ready(slug), **facts)] = indexable

    def priced(slug, *prices):
        tool = cast.make_tool(slug)
        cast.review(tool, "ship ship ship ship")
        plan = cast.add_plan(tool, "Plan", "subscription")
        for price in prices:
            plan.prices.create(amount=1, **price)
        return tool

    def day(ago):
        return today - timedelta(days=ago)

    def price(since, checked):
        return {"effective_on": day(since), "checked_on": day(checked)}

    case("complete", True)
    case("no-text", False, summary="")
    case("blank-text", False, summary=" \n ")
    case("draft", False, status="draft")
    case("later", False, published_at=later)
    case("draft-tool", False, cast.make_tool("draft-tool", status="draft"))
    case("no-price", False, priced("no-price"))
    case("last-day", True, priced("last-day", price(400, 90)))
    case("day-after", False, priced("day-after", price(400, 91)))
    case("future-price", False, priced("future-price", price(-5, 0)))
    case("replaced", False, priced("replaced", price(200, 0), price(100, 100)))
    case("corrected", True, priced("corrected", price(100, 100), price(100, 1)))
    three = cast.make_tool("three-reviews")
    cast.review(three, "ship ship ship -")
    cast.check_price(three)
    case("three-reviews", False, three)
    case("no-reviews", False, cast.make_tool("no-reviews"))

    indexable = set(Comparison.objects.indexable())
    for comparison, expected in cases.items():
        comparison.refresh_from_db()
        assert (comparison in indexable) is expected, comparison
        assert (not comparison_lacks(comparison)) is expected, comparison
        if comparison.is_public and comparison.right.is_public:
            assert ("noindex" not in site.get(comparison.address).html) is expected, comparison


def test_a_pair_that_nobody_wrote_for_stays_out(site):
    ready("one"), ready("two")
    assert 'content="noindex, follow"' in site.get("/compare/one-vs-two/").html


def test_editors_see_what_a_comparison_lacks(admin_client, django_assert_max_num_queries):
    comparison = cast.compare(ready("one"), cast.delta())
    page = admin_client.get(f"/admin/comparisons/comparison/{comparison.pk}/change/")
    assert b"Delta has 0 of its 4 reviews." in page.content
    assert admin_client.get("/admin/comparisons/comparison/add/").status_code == 200
    for number in range(10):
        cast.compare(ready(f"left-{number}"), ready(f"right-{number}"))
    with django_assert_max_num_queries(11):
        page = admin_client.get("/admin/comparisons/comparison/")
    assert page.content.decode().count("May list it.") == 10
