from dataclasses import dataclass, field

import pytest

from comparisons.answers import CLEAR_LEAD, answer
from reviews.personas import Persona
from reviews.scorecards import Scorecard
from reviews.tallies import Count
from tools.pricing import PlanLine, Pricing


@dataclass
class Said:
    persona: str
    verdict: str
    score: int | None = None


@dataclass
class Tool:
    name: str
    scorecard: Scorecard
    plans: list = field(default_factory=list)
    tagline: str = ""
    category: str = "Developer Tools"
    count: Count = field(default_factory=Count)

    @property
    def strip(self):
        return self.scorecard.strip

    @property
    def pricing(self):
        return Pricing([PlanLine("A plan", kind, None) for kind in self.plans])


def tool(name, verdicts, scores=(None,) * 4, plans=("usage",), tagline=""):
    reviews = [
        Said(persona.value, verdict, score)
        for persona, verdict, score in zip(Persona, verdicts.split(), scores, strict=False)
    ]
    return Tool(name, Scorecard.of(reviews), list(plans), tagline)


SHIP, SKIP, SPLIT = "ship ship ship ship", "skip skip skip skip", "ship ship skip skip"


def voted(name, ships, skips):
    judged = tool(name, SHIP)
    judged.count = Count(ships, skips)
    return judged


def test_where_nothing_else_decides_the_readers_do_by_more_than_chance():
    liked, endured = voted("Liked", 900, 100), voted("Endured", 300, 200)
    assert answer(endured, liked).text == (
        "Liked wins with the readers: both panels say ship, 4 to 0, "
        "and 90% of 1,000 votes ship it, against 60%."
    )


@pytest.mark.parametrize(
    ("one", "other"), [((9, 0), (0, 900)), ((60, 40), (50, 50)), ((0, 0), (0, 0))]
)
def test_too_few_votes_and_shares_within_chance_decide_nothing(one, other):
    assert answer(voted("One", *one), voted("Other", *other)).verdict == "Too close to call"


def test_the_panel_decides_first():
    cheap = tool("Cheap", "ship ship ship skip", plans=["free"])
    loved = tool("Loved", SHIP)
    assert answer(cheap, loved).text == (
        "Loved wins on the panel: 4 of 4 personas ship it, against 3 of 4 for Cheap."
    )


def test_with_equal_panels_a_clear_lead_in_scores_decides():
    high, low = tool("High", SHIP, (90, 90, 90, 90)), tool("Low", SHIP, (80, 80, 80, 80))
    assert answer(low, high).text == (
        "High wins on the scores: both panels say ship, 4 to 0, "
        "and its mean score is 90 against 80."
    )


def test_a_lead_of_less_than_the_stated_points_decides_nothing():
    near = CLEAR_LEAD - 1
    one, two = tool("One", SHIP, (80,) * 4), tool("Two", SHIP, (80 + near,) * 4)
    assert answer(one, two).text.startswith("Too close to call")


def test_scores_decide_nothing_while_one_of_them_is_unknown():
    known, unknown = tool("Known", SHIP, (90,) * 4), tool("Unknown", SHIP, (10, 10, 10, None))
    assert answer(known, unknown).text.startswith("Too close to call")


def test_with_equal_verdicts_the_free_one_wins_on_price():
    free, paid = tool("Free", SHIP, plans=["free"]), tool("Paid", SHIP, plans=["usage"])
    assert answer(paid, free).text == (
        "Free wins on price: both panels say ship, 4 to 0, but it is free to start and Paid is not."
    )


def test_an_unknown_price_loses_to_no_free_one():
    free, unknown = tool("Free", SHIP, plans=["free"]), tool("Unknown", SHIP, plans=[])
    assert answer(free, unknown).text.startswith("Too close to call")


def test_when_nothing_tells_them_apart_the_answer_says_what_each_suits():
    one = tool("One", SPLIT, tagline="Long documents")
    two = tool("Two", SPLIT)
    assert answer(one, two).text == (
        "Too close to call: both panels are split, 2 to 2. "
        "One suits “Long documents”, Two suits “Developer Tools”."
    )


def test_no_panel_decides_before_it_is_complete():
    one, two = tool("One", SHIP), tool("Two", "ship ship")
    assert answer(one, two).text == (
        "Too early to call: Two has 2 of its 4 reviews, and a panel decides with all four."
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (tool("One", SKIP), tool("Two", "ship skip skip skip")),
        (tool("One", SKIP, plans=["free"]), tool("Two", SKIP)),
        (tool("One", SKIP, (20,) * 4), tool("Two", SKIP, (40,) * 4)),
        (tool("One", SKIP), tool("Two", SKIP)),
    ],
)
def test_a_tool_that_its_panel_skips_never_wins(left, right):
    assert answer(left, right).text.startswith("Skip both: ")
    assert answer(right, left).text.startswith("Skip both: ")


def test_of_several_the_one_that_most_personas_ship_wins():
    best, middle, last = tool("Best", SHIP), tool("Middle", SPLIT), tool("Last", SKIP)
    assert answer(last, best, middle).text == (
        "Best wins on the panel: 4 of 4 personas ship it, "
        "against 2 of 4 for Middle and 0 of 4 for Last."
    )


def test_scores_decide_among_the_leaders_of_the_panel_alone():
    one, two = tool("One", SHIP, (80,) * 4), tool("Two", SHIP, (90,) * 4)
    behind = tool("Behind", SPLIT, (99,) * 4)
    assert answer(one, two, behind).text == (
        "Two wins on the scores: the panels of One and Two both say ship, 4 to 0, ahead of Behind, "
        "and its mean score is 90 against 80 for One."
    )


def test_a_winner_on_the_scores_is_ahead_of_every_other_leader():
    one, three = tool("One", SHIP, (90,) * 4), tool("Three", SHIP, (50,) * 4)
    near, far = tool("Two", SHIP, (89,) * 4), tool("Two", SHIP, (70,) * 4)
    assert answer(one, near, three).text.startswith(
        "Too close to call: all three panels say ship, 4 to 0. "
    )
    assert answer(one, far, three).text == (
        "One wins on the scores: all three panels say ship, 4 to 0, "
        "and its mean score is 90 against 70 for Two and 50 for Three."
    )


def test_of_several_the_only_free_one_wins_on_price():
    free = tool("Two", SHIP, plans=["free"])
    assert answer(tool("One", SHIP), free, tool("Three", SHIP)).text == (
        "Two wins on price: all three panels say ship, 4 to 0, "
        "but it is free to start and One and Three are not."
    )


@pytest.mark.parametrize("plans", [["free"], []])
def test_price_decides_nothing_while_two_are_free_or_one_is_unknown(plans):
    free, other = tool("One", SHIP, plans=["free"]), tool("Two", SHIP, plans=plans)
    assert answer(free, other, tool("Three", SHIP)).text.startswith("Too close to call")


def test_a_free_tool_that_fewer_personas_ship_is_behind_all_the_same():
    one, two = tool("One", SHIP, tagline="x"), tool("Two", SHIP, tagline="y")
    assert answer(one, two, tool("Free", SPLIT, plans=["free"])).text == (
        "Too close to call: the panels of One and Two both say ship, 4 to 0, ahead of Free. "
        "One suits “x”, Two suits “y”."
    )


def test_every_panel_that_is_not_complete_is_named():
    tools = [tool("One", "ship"), tool("Two", SHIP), tool("Three", "ship skip"), tool("Four", "")]
    assert answer(*tools).text == (
        "Too early to call: One has 1 of its 4 reviews, Three has 2 of its 4 reviews and "
        "Four has 0 of its 4 reviews, and a panel decides with all four."
    )


def test_several_that_their_panels_skip_have_no_winner():
    tools = [tool("One", SKIP), tool("Two", "ship skip skip skip"), tool("Three", SKIP)]
    assert answer(*tools).text == (
        "Skip all three: 1 of 4 personas ship Two, 0 of 4 ship One, 0 of 4 ship Three, "
        "and none is enough."
    )
    assert answer(*[tool("A", SKIP, (40,) * 4)] * 4).text == (
        "Skip all four: all four panels say skip, 0 to 4."
    )


def test_names_are_escaped_and_isolated():
    evil = tool("<script>alert(1)</script>", SHIP)
    verdict = answer(evil, tool("Two", SPLIT)).verdict
    assert "<script>" not in verdict
    assert verdict.startswith("<bdi>&lt;script&gt;")
