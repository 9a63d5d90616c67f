import pytest

from reviews.tallies import Count, DuelCount, wilson_interval


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # Newcombe, R. G. (1998), Statistics in Medicine 17, 857-872, table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_textbooks(part, whole, low, high):
    assert wilson_interval(part, whole) == pytest.approx((low, high), abs=5e-5)


def test_without_votes_every_share_is_possible():
    assert wilson_interval(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (Count(0, 0), "No community votes yet"),
        (Count(1, 0), "1 vote, too few to say"),
        (Count(5, 4), "9 votes, too few to say"),
        (Count(5, 5), "50% ship of 10 votes"),
        (Count(222, 90), "71% ship of 312 votes"),
        (Count(0, 1234), "0% ship of 1,234 votes"),
    ],
)
def test_a_count_says_no_percentage_below_ten_votes(count, text):
    assert count.text == text


def test_below_ten_votes_there_is_neither_share_nor_interval():
    few = Count(9, 0)
    assert (few.share, few.low, few.high, few.contest, few.agreement) == (None, None, None, 0, 0)


def test_the_interval_in_percent_is_never_narrower_than_it_is():
    count = Count(222, 90)
    assert count.interval == pytest.approx((0.6589, 0.7590), abs=5e-5)
    assert (count.low, count.share, count.high) == (65, 71, 76)


def test_many_good_votes_outrank_a_few_perfect_ones():
    assert Count(850, 150).rank > Count(10, 0).rank > Count(0, 10).rank == 0


def test_the_most_contested_are_many_and_even():
    assert Count(500, 500).contest > Count(50, 50).contest > Count(900, 100).contest
    assert Count(20, 80).contest == Count(80, 20).contest


def test_the_most_one_sided_are_many_of_one_opinion():
    assert Count(0, 500).agreement == Count(500, 0).agreement > Count(50, 0).agreement


@pytest.mark.parametrize(
    ("count", "shares"),
    [
        (DuelCount(28, 14, 6), (58, 29, 13)),
        (DuelCount(1, 1, 1), None),
        (DuelCount(4, 4, 4), (34, 33, 33)),
        (DuelCount(0, 0, 10), (0, 0, 100)),
        (DuelCount(999, 1, 0), (100, 0, 0)),
    ],
)
def test_the_shares_of_a_duel_are_a_hundred_together(count, shares):
    assert count.shares == shares


def test_a_duel_in_words():
    assert DuelCount().text("A", "B") == "Nobody has answered yet."
    assert DuelCount(1).text("A", "B") == "1 reader answered, too few to say."
    assert DuelCount(3, 1, 5).text("A", "B") == "9 readers answered, too few to say."
    assert DuelCount(600, 300, 100).text("A", "B") == (
        "Of 1,000 readers 60% would ship with \u2068A\u2069, "
        "30% with \u2068B\u2069, 10% with neither."
    )
