"""What the database refuses, whoever asks: the admin, an import or a shell."""

import pytest
from django.db import Error, connection, transaction

from reviews.models import Panel, Review, Revision
from tests import cast
from tools.models import Category, Plan, Price, Tool, Vendor

pytestmark = pytest.mark.django_db


def refused(write, *args, **kwargs):
    with pytest.raises(Error), transaction.atomic():
        write(*args, **kwargs)
    return True


@pytest.mark.parametrize(
    "slug",
    ["a-vs-b", "vs-a", "a-vs", "", "A", "a b", "-a", "a-", "a--b", "ä", "a/b", "a\n", "a" * 81],
)
@pytest.mark.parametrize("model", [Vendor, Category])
def test_a_slug_of_the_wrong_shape(model, slug):
    assert refused(model.objects.create, slug=slug, name="Name")


@pytest.mark.parametrize("slug", ["a", "vs", "avs-b", "a-vsb", "4", "a-v-s", "a" * 80])
def test_a_slug_of_the_right_shape_is_taken(slug):
    assert Vendor.objects.create(slug=slug, name="Name").pk


def test_a_slug_used_twice():
    cast.alpha()
    assert refused(cast.make_tool, "alpha")


def test_a_tool_without_a_name():
    assert refused(Tool.objects.filter(pk=cast.alpha().pk).update, name="")


def test_a_status_that_does_not_exist():
    assert refused(cast.make_tool, "x", status="secret")


def test_something_published_without_saying_since_when():
    assert refused(Tool.objects.filter(pk=cast.alpha().pk).update, published_at=None)


def test_two_plans_of_one_label_or_a_kind_that_does_not_exist():
    tool = cast.alpha()
    assert refused(cast.add_plan, tool, "Free tier")
    assert refused(cast.add_plan, tool, "Other", kind="barter")
    assert refused(cast.add_plan, tool, "")


def test_a_negative_amount_or_a_currency_that_is_none():
    plan = cast.add_plan(cast.delta(), "Pro", "subscription")
    assert refused(Price.objects.create, plan=plan, amount="-0.01")
    assert refused(Price.objects.create, plan=plan, amount="1", currency="usd")
    assert refused(Price.objects.create, plan=plan, amount="1", period="week")


@pytest.mark.parametrize(
    "change", [{"amount": 1}, {"currency": "EUR"}, {"effective_on": "2020-01-01"}]
)
def test_a_rewritten_price(change):
    cast.add_plan(cast.delta(), "Pro", "subscription", "20")
    assert refused(Price.objects.update, **change)


def test_the_day_of_the_last_check_may_move_on():
    cast.add_plan(cast.delta(), "Pro", "subscription", "20")
    assert Price.objects.update(checked_on="2026-11-21", source_url="https://example.org/") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"score": 101},
        {"score": -1},
        {"verdict": "maybe"},
        {"body": ""},
        {"evidence": "guess"},
        {"persona": "critic"},
    ],
)
def test_a_review_that_says_something_impossible(change):
    review = cast.alpha().reviews.get(persona="builder")
    assert refused(Review.objects.filter(pk=review.pk).update, **change)


def test_a_second_current_review_of_a_persona():
    tool = cast.alpha()
    assert refused(Review.objects.create, tool=tool, persona="builder", verdict="ship", body="x")


@pytest.mark.parametrize("score", [0, 100, None])
def test_a_score_at_the_edge_or_unknown_is_taken(score):
    review = cast.alpha().reviews.get(persona="builder")
    assert Review.objects.filter(pk=review.pk).update(score=score) == 1


def test_a_rewritten_revision():
    cast.alpha()
    assert refused(Revision.objects.update, body="I never said that.")


@pytest.mark.parametrize("model", [Revision, Price])
def test_a_history_that_loses_a_part(model):
    cast.alpha()

    def delete():
        model.objects.first().delete()
        connection.check_constraints()

    assert refused(delete)


def test_a_history_leaves_with_what_it_is_the_history_of():
    cast.alpha().delete()
    connection.check_constraints()
    assert not Revision.objects.exists()


def test_a_panel_that_is_none():
    cast.alpha()
    assert refused(Panel.objects.update, cells="ssss?")
    assert refused(Panel.objects.update, outcome="maybe")


def test_a_tool_against_itself():
    alpha = cast.alpha()
    assert refused(cast.compare, alpha, alpha)


def test_a_pair_twice_in_either_order():
    alpha, beta = cast.alpha(), cast.beta()
    cast.compare(alpha, beta)
    assert refused(cast.compare, alpha, beta)
    assert refused(cast.compare, beta, alpha)


def test_a_vendor_or_category_that_tools_still_name():
    tool = cast.alpha()
    assert refused(tool.vendor.delete)
    assert refused(tool.category.delete)


def test_a_plan_leaves_with_its_tool():
    cast.alpha().delete()
    assert not Plan.objects.exists()
