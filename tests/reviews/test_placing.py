"""The readers' choice of a category: `manage.py rank_categories`, and the page that shows it."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command

from reviews.dueling import cast_duel
from reviews.duels import Choice, DuelTally
from reviews.placings import Placing, Ranking
from reviews.ranking import ENOUGH
from reviews.votes import Standing
from tests import cast
from tools.status import Status

pytestmark = pytest.mark.django_db

LEFT, RIGHT, NEITHER = Choice


def choose(left, right, lefts=0, rights=0, neithers=0):
    """Let so many readers choose between two tools."""
    tally = DuelTally.objects.get_or_create(left=left, right=right)[0]
    for choice, times in ((LEFT, lefts), (RIGHT, rights), (NEITHER, neithers)):
        tally.add(times, choice, Standing.COUNTED)
    tally.save()


def rank():
    out = StringIO()
    call_command("rank_categories", stdout=out)
    return out.getvalue().strip()


def order():
    return [placing.tool.slug for placing in Placing.objects.order_by("-win_rate")]


@pytest.fixture
def tools():
    return [cast.make_tool(slug) for slug in ("one", "two", "three")]


def test_what_is_chosen_more_often_stands_higher(tools):
    one, two, three = tools
    choose(one, two, 5, 25)
    choose(two, three, 20, 8)
    choose(one, three, 10, 10)
    assert rank() == "Ranked 1 of 1 categories anew."
    assert order()[0] == "two"
    placing = Placing.objects.get(tool=two)
    assert placing.low < placing.win_rate < placing.high
    assert placing.duels == 58


def test_the_same_choices_again_change_nothing(tools):
    choose(*tools[:2], 12, 3)
    rank()
    before = list(Ranking.objects.values()), list(Placing.objects.order_by("pk").values())
    assert rank() == "Ranked 0 of 1 categories anew."
    assert (list(Ranking.objects.values()), list(Placing.objects.order_by("pk").values())) == before


def test_a_new_choice_makes_a_new_order(tools):
    one, two, _ = tools
    choose(one, two, 12, 3)
    rank()
    assert order() == ["one", "two"]
    choose(one, two, 0, 30)
    assert rank() == "Ranked 1 of 1 categories anew."
    assert order() == ["two", "one"]


def test_neither_is_left_out(tools):
    choose(*tools[:2], ENOUGH - 1, 0, 90)
    rank()
    assert not Placing.objects.exists()


def test_quarantined_duels_are_left_out(tools):
    one, two, _ = tools
    choose(one, two, 6, 6)
    DuelTally.objects.update(quarantined=500)
    rank()
    assert {placing.duels for placing in Placing.objects.all()} == {12}


def test_both_tools_must_be_in_the_category(tools):
    elsewhere = cast.make_tool("elsewhere", category=cast.make_category("Other", "other"))
    choose(tools[0], elsewhere, 30, 5)
    assert rank() == "Ranked 2 of 2 categories anew."
    assert not Placing.objects.exists()


def test_a_withdrawn_tool_leaves_the_ranking(tools, site):
    one, two, three = tools
    choose(one, two, 12, 3)
    choose(one, three, 12, 9)
    rank()
    two.become(Status.WITHDRAWN)
    two.save()
    page = site.get("/categories/developer-tools/")
    assert page.all(".placing-name") == ["One", "Three"]
    rank()
    assert order() == ["one", "three"]


def test_a_tool_that_moves_to_another_category_is_ranked_there(tools, site):
    one, two, three = tools
    choose(one, two, 12, 3)
    choose(one, three, 12, 9)
    rank()
    other = cast.make_category("Other", "other")
    type(one).objects.filter(pk__in=(one.pk, two.pk)).update(category=other)
    assert site.get("/categories/developer-tools/").all(".placing-name") == ["Three"]
    rank()
    assert site.get("/categories/other/").all(".placing-name") == ["One", "Two"]
    assert site.get("/categories/developer-tools/").all(".placing-name") == []


def test_a_category_that_was_interrupted_keeps_its_order(tools, monkeypatch):
    choose(*tools[:2], 12, 3)
    rank()
    choose(*tools[:2], 0, 30)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Placing.objects.__class__, "bulk_create", interrupted)
    with pytest.raises(Exception, match="run it again"):
        rank()
    assert order() == ["one", "two"]


def test_the_page_shows_the_order_with_its_intervals_its_method_and_its_day(tools, site):
    one, two, _ = tools
    choose(one, two, 30, 10)
    rank()
    page = site.get("/categories/developer-tools/")
    section = page.one(".readers-choice")
    assert page.all(".placing-name") == ["One", "Two"]
    assert "Bradley-Terry" in section
    assert "It never decides a panel’s verdict." in section
    assert page.all(".placing-figures")[0].startswith("63%, between 5")
    assert page.all(".placing-figures")[0].endswith("from 40 choices")
    ranking = Ranking.objects.get()
    assert f"As of {ranking.computed_at.day} {ranking.computed_at:%b %Y}" in section
    assert len(page.tree.cssselect(".interval")) == 2


def test_a_category_with_too_few_choices_says_so(tools, site):
    choose(*tools[:2], 4, 5)
    rank()
    section = site.get("/categories/developer-tools/").one(".readers-choice")
    assert "Too few readers have said which of two tools here they would ship with." in section
    assert "%" not in section


def test_the_second_page_leaves_the_order_out(site):
    for number in range(40):
        cast.make_tool(f"tool-{number}")
    assert site.get("/categories/developer-tools/?page=2").all(".readers-choice") == []


def test_a_category_of_many_ranked_tools_takes_as_many_queries(site, django_assert_max_num_queries):
    tools = [cast.make_tool(f"tool-{number}") for number in range(14)]
    for tool in tools[1:]:
        choose(tools[0], tool, 12, 4)
    rank()
    with django_assert_max_num_queries(5):
        page = site.get("/categories/developer-tools/")
    assert len(page.all(".placing")) == 10


def test_what_was_cast_decides(tools):
    one, two, _ = tools
    for _ in range(ENOUGH):
        cast_duel(one.pk, two.pk, uuid4(), RIGHT)
    assert not DuelTally.objects.exclude(quarantined=0).exists()
    rank()
    assert order() == ["two", "one"]
