import pytest

from tests import cast
from tools.alternatives import LIMIT, alternatives_to
from tools.models import Tool

pytestmark = pytest.mark.django_db

ALL, MOST, HALF = "ship ship ship ship", "ship ship ship skip", "ship ship skip skip"


def judged(slug, verdicts, scores=(None,) * 4, plan="usage", **facts):
    tool = cast.make_tool(slug, **facts)
    cast.review(tool, verdicts, scores)
    if plan:
        cast.add_plan(tool, "A plan", plan)
    return tool


def found(tool):
    tool = Tool.objects.for_page().get(pk=tool.pk)
    return {alternative.tool.slug: alternative.difference for alternative in alternatives_to(tool)}


def test_the_closest_panels_come_first_and_say_how_they_differ():
    tool = judged("mine", MOST)
    judged("far", HALF)
    judged("near", MOST, plan="free")
    judged("above", ALL)
    cast.gamma()
    assert list(found(tool).items()) == [
        ("near", "free to start"),
        ("above", "4 of 4 ship it, against 3"),
        ("far", "2 of 4 ship it, against 3"),
        ("gamma", "3 of 4 reviews so far"),
    ]


@pytest.mark.parametrize(
    ("facts", "difference"),
    [
        ({"verdicts": ALL}, "4 of 4 ship it, against 3"),
        ({"verdicts": MOST, "plan": "free"}, "free to start"),
        ({"verdicts": MOST, "scores": (90,) * 4}, "mean score 90, against 80"),
        ({"verdicts": MOST, "scores": (80,) * 4}, "the same panel, from the same vendor"),
        ({"verdicts": MOST, "plan": None}, "the same panel, from the same vendor"),
        ({"verdicts": "ship - - -"}, "1 of 4 reviews so far"),
    ],
)
def test_the_first_thing_that_differs_is_named(facts, difference):
    tool = judged("mine", MOST, (80,) * 4)
    judged("other", **facts)
    assert found(tool) == {"other": difference}


def test_another_category_fills_up_what_the_own_one_lacks():
    tool = judged("mine", MOST)
    judged("same", HALF)
    judged("elsewhere", MOST, category=cast.make_category("Other", "other"))
    judged("elsewhere-but-worse", HALF, category=cast.make_category("Other", "other"))
    assert found(tool) == {
        "same": "2 of 4 ship it, against 3",
        "elsewhere": "the same panel, in Other",
    }


def test_what_has_been_compared_or_is_not_public_is_left_out():
    tool = judged("mine", MOST)
    cast.compare(judged("left", MOST), tool)
    cast.compare(tool, judged("right", MOST))
    cast.compare(tool, judged("draft", MOST), status="draft")
    judged("hidden", MOST, status="draft")
    assert list(found(tool)) == ["draft"]


def test_a_tool_without_reviews_has_alternatives_too():
    tool = cast.delta()
    judged("judged", MOST)
    assert found(tool) == {"judged": "3 of 4 ship it, against 0"}


def test_however_many_there_are_it_takes_few_and_asks_twice(django_assert_max_num_queries):
    tool = judged("mine", MOST)
    for number in range(LIMIT + 3):
        judged(f"other-{number}", MOST)
    tool = Tool.objects.for_page().get(pk=tool.pk)
    with django_assert_max_num_queries(2):
        assert len(alternatives_to(tool)) == LIMIT


def test_a_tool_without_a_panel_is_told_from_one_that_nobody_ships(site):
    cast.delta()
    cast.review(cast.make_tool("skipped", vendor=cast.make_vendor("bolt")), "skip skip skip skip")
    assert "the same panel, by Bolt" in site.get("/tools/delta/").text
