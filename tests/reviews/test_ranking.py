"""One order from many head-to-head choices."""

import pytest

from reviews.ranking import ENOUGH, standings, strengths


def test_who_was_chosen_twice_as_often_is_nearly_twice_as_strong():
    found = strengths({(1, 2): (2000, 1000)})
    assert found[1] / found[2] == pytest.approx(2, rel=0.01)


def test_equal_choices_make_equal_strengths():
    found = strengths({(1, 2): (50, 50), (2, 3): (40, 40), (1, 3): (30, 30)})
    assert list(found.values()) == pytest.approx([1, 1, 1])


def test_known_strengths_are_found_again_from_the_choices_they_lead_to():
    true = {1: 4.0, 2: 2.0, 3: 1.0, 4: 0.125}
    choices = {
        (one, other): (
            round(90_000 * true[one] / (true[one] + true[other])),
            round(90_000 * true[other] / (true[one] + true[other])),
        )
        for one in true
        for other in true
        if one < other
    }
    found = strengths(choices)
    for tool, strength in true.items():
        assert found[tool] / found[3] == pytest.approx(strength, rel=0.01)


def test_a_tool_that_always_wins_stays_finite_and_comes_first():
    first, *_ = standings({(1, 2): (40, 0), (2, 3): (20, 20)})
    assert first.tool_id == 1
    assert 50 < first.win_rate < 100


def test_strength_counts_whom_one_wins_against():
    choices = {(1, 2): (90, 10), (3, 4): (90, 10), (2, 3): (50, 50)}
    order = [standing.tool_id for standing in standings(choices)]
    assert order == [1, 3, 2, 4]


def test_the_interval_holds_the_figure_and_narrows_with_more_choices():
    few, *_ = standings({(1, 2): (12, 8)})
    many, *_ = standings({(1, 2): (1200, 800)})
    for standing in (few, many):
        assert standing.low <= standing.win_rate <= standing.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_a_tool_with_few_choices_has_no_place_and_gives_no_weight():
    assert standings({(1, 2): (ENOUGH - 1, 0)}) == []
    with_one_more = standings({(1, 2): (30, 20), (2, 3): (0, ENOUGH - 1)})
    assert with_one_more == standings({(1, 2): (30, 20)})


def test_tools_that_nothing_connects_are_not_ranked_against_each_other():
    larger = {(1, 2): (30, 20), (2, 3): (30, 20)}
    apart = {(4, 5): (90, 10)}
    assert standings(larger | apart) == standings(larger)
    assert standings(apart | larger) == standings(larger)
    by_few = {(3, 4): (ENOUGH, 0)}
    assert {place.tool_id for place in standings(larger | apart | by_few)} == {1, 2, 3, 4, 5}


def test_of_groups_of_the_same_size_the_one_with_more_choices_is_ranked():
    assert standings({(1, 2): (9, 9), (3, 4): (90, 10)}) == standings({(3, 4): (90, 10)})


def test_a_tool_with_few_choices_connects_nobody():
    bridged = {(1, 2): (30, 20), (2, 3): (30, 20), (3, 9): (1, 1), (4, 9): (1, 1), (4, 5): (9, 9)}
    assert [place.tool_id for place in standings(bridged)] == [1, 2, 3]


def test_the_same_choices_give_the_same_standings():
    choices = {(1, 2): (12, 8), (2, 3): (300, 200)}
    assert standings(choices) == standings(choices)
