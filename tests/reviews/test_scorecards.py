from dataclasses import dataclass

import pytest

from reviews.personas import Persona
from reviews.scorecards import Outcome, PanelStrip, Scorecard


@dataclass
class Said:
    persona: str
    verdict: str
    score: int | None = None


def card(*verdicts, scores=(None,) * 4):
    return Scorecard.of(
        Said(persona.value, verdict, score)
        for persona, verdict, score in zip(Persona, verdicts, scores, strict=False)
        if verdict
    )


@pytest.mark.parametrize(
    ("verdicts", "outcome", "share"),
    [
        (("ship", "ship", "ship", "ship"), Outcome.SHIP, 100),
        (("ship", "ship", "ship", "skip"), Outcome.SHIP, 75),
        (("ship", "skip", "ship", "skip"), Outcome.SPLIT, 50),
        (("skip", "skip", "ship", "skip"), Outcome.SKIP, 25),
        (("skip", "skip", "skip", "skip"), Outcome.SKIP, 0),
        (("ship", "ship", "ship", None), Outcome.PENDING, 100),
        (("ship", "skip", "ship", None), Outcome.PENDING, 67),
        ((None, None, None, None), Outcome.PENDING, None),
    ],
)
def test_a_panel_ships_above_half_skips_below_and_waits_for_the_fourth(verdicts, outcome, share):
    strip = card(*verdicts).strip
    assert strip.outcome == outcome
    assert strip.share == share


def test_lines_stand_in_the_personas_order_whatever_order_reviews_come_in():
    lines = Scorecard.of([Said("founder", "skip"), Said("builder", "ship")]).lines
    assert [line.persona for line in lines] == list(Persona)
    assert [line.review and line.review.verdict for line in lines] == ["ship", None, None, "skip"]


def test_an_unknown_score_is_no_score_at_all():
    half_known = card("ship", "ship", "ship", "ship", scores=(80, None, 0, None))
    assert half_known.scores == [80, 0]
    assert half_known.mean_score is None


def test_the_mean_counts_once_all_four_gave_a_score():
    full = card("ship", "ship", "ship", "ship", scores=(84, 78, 81, 72))
    assert full.mean_score == 78.75
    assert full.gap == 12


def test_verdicts_that_disagree_outweigh_any_gap_between_scores():
    quarrel = card("ship", "ship", "ship", "skip")
    wide = card("ship", "ship", "ship", "ship", scores=(100, 0, 50, 50))
    assert quarrel.contest > wide.contest > card("ship", "ship", "ship", "ship").contest == 0


def test_a_strip_survives_being_written_down():
    strip = card("ship", None, "skip", "ship").strip
    assert strip.cells == "s-xs"
    assert PanelStrip.parse(strip.cells) == strip


def test_nothing_written_down_is_a_strip_of_open_cells():
    assert PanelStrip.parse("") == card().strip


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (("ship", "ship", "ship", "skip"), "Panel: 3 ship, 1 skip, the Founder skips"),
        (("skip", "ship", "skip", "skip"), "Panel: 1 ship, 3 skip, the Skeptic ships"),
        (("ship", "ship", "skip", "skip"), "Panel: 2 ship, 2 skip"),
        (("ship", "ship", "ship", "ship"), "Panel: 4 ship, 0 skip"),
        (("ship", None, None, None), "Panel: 1 ship, 0 skip, 3 to come"),
        ((None, None, None, None), "Panel: no review yet"),
    ],
)
def test_the_strip_says_in_words_what_it_shows(verdicts, words):
    assert card(*verdicts).strip.description == words
