"""Work that releases a vote from quarantine at once."""

import json
from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

import altcha
import pytest
from django.test import Client

from reviews import proof_of_work
from reviews.proof_of_work import challenge_for, is_solved
from reviews.scorecards import Verdict
from reviews.screening import FLOOD, HOUSEHOLD
from reviews.tallies import Count
from reviews.tallying import differences
from reviews.votes import Standing, Suspicion, Tally, Vote
from reviews.voting import cast_vote, release_vote
from tests.cast import delta

pytestmark = pytest.mark.django_db

HEADERS = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}


@pytest.fixture(autouse=True)
def _easy(monkeypatch):
    monkeypatch.setattr(proof_of_work, "NUMBERS", 50)


def vote(browser, choice="ship", **form):
    return browser.post(
        "/tools/delta/vote/",
        urlencode({"choice": choice, **form}),
        "application/x-www-form-urlencoded",
        headers=HEADERS,
    ).json()


def solve(challenge):
    found = altcha.solve_challenge(
        challenge["challenge"], challenge["salt"], "SHA-256", challenge["max_number"]
    )
    kept = {name: challenge[name] for name in ("challenge", "salt", "signature")}
    return json.dumps(kept | {"number": found.number})


def flooded():
    """A browser whose vote waits because so many say the same, and its challenge."""
    tool = delta()
    for _ in range(FLOOD - 1):
        cast_vote(tool.pk, uuid4(), Verdict.SHIP)
    browser = Client()
    return browser, vote(browser)["challenge"]


def counted():
    return Tally.objects.get().count


def test_a_vote_that_waits_comes_with_a_challenge_and_its_solution_counts_it():
    browser, challenge = flooded()
    assert counted() == Count(FLOOD - 1, 0)
    said = vote(browser, proof=solve(challenge))
    assert "challenge" not in said
    assert said["count"]["ships"] == counted().ships == FLOOD
    assert not list(differences())


def test_a_vote_that_is_counted_comes_without():
    delta()
    assert "challenge" not in vote(Client())


def test_a_replayed_solution_has_no_effect():
    browser, challenge = flooded()
    proof = solve(challenge)
    for _ in range(2):
        vote(browser, proof=proof)
    assert counted() == Count(FLOOD, 0)
    vote(browser, "retract")
    assert "challenge" in vote(browser, proof=proof)  # another vote by now
    assert counted() == Count(FLOOD - 1, 0)


def test_a_rejected_vote_stays_rejected():
    browser, challenge = flooded()
    Vote.objects.filter(standing=Standing.QUARANTINED).update(standing=Standing.REJECTED)
    vote(browser, proof=solve(challenge))
    assert Vote.objects.filter(standing=Standing.REJECTED).count() == 1


@pytest.mark.parametrize(
    "proof",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "{}",
        "[" * 900,
        '{"challenge": 1, "salt": [], "signature": {}, "number": "x"}',
        '{"challenge": "a", "salt": "?vote=1&", "signature": "b", "number": 1e999}',
        '{"challenge": "a", "salt": "?expires=x&", "signature": "b", "number": 1}',
        '{"challenge": "ü", "salt": "?expires=1??", "signature": "ü", "number": -1}',
        '{"challenge": "\\ud800", "salt": "\\ud800", "signature": "\\ud800", "number": 1}',
        "9" * 5000,
    ],
)
def test_what_is_no_solution_has_no_effect(proof):
    browser, _ = flooded()
    assert "challenge" in vote(browser, proof=proof)
    assert counted() == Count(FLOOD - 1, 0)


def test_a_wrong_number_is_no_solution():
    _, challenge = flooded()
    waiting = Vote.objects.get(standing=Standing.QUARANTINED)
    right = json.loads(solve(challenge))
    assert is_solved(waiting, json.dumps(right))
    assert not is_solved(waiting, json.dumps(right | {"number": right["number"] + 1}))


def test_a_solution_is_for_one_vote_and_for_some_minutes(monkeypatch):
    tool = delta()
    first, second = (
        Vote.objects.create(
            tool=tool,
            voter=uuid4(),
            choice=Verdict.SHIP,
            standing=Standing.QUARANTINED,
            suspicion=Suspicion.FLOOD,
        )
        for _ in range(2)
    )
    proof = solve(challenge_for(first))
    assert is_solved(first, proof)
    assert not is_solved(second, proof)
    monkeypatch.setattr(proof_of_work, "PATIENCE", timedelta(seconds=-1))
    assert not is_solved(first, solve(challenge_for(first)))


def test_the_more_votes_are_suspicious_the_more_each_costs():
    tool = delta()
    for number in range(FLOOD + 8):
        cast = cast_vote(tool.pk, uuid4(), Verdict.SHIP)
        if number == FLOOD - 1:
            cheap = challenge_for(cast.quarantined)["max_number"]
    assert challenge_for(cast.quarantined)["max_number"] == 3 * cheap


def test_no_work_releases_more_from_one_address_than_a_household():
    delta()
    for _ in range(HOUSEHOLD + 1):
        browser = Client()
        vote(browser)
        said = vote(browser)  # back with the cookie
    assert "challenge" not in said
    assert Vote.objects.get(standing=Standing.QUARANTINED).suspicion == Suspicion.ADDRESS


def test_a_challenge_from_before_the_house_was_full_lets_nobody_in():
    tool = delta()
    house = [
        cast_vote(tool.pk, uuid4(), Verdict.SHIP, address=b"home", without_cookie=True).quarantined
        for _ in range(HOUSEHOLD + 2)
    ]
    assert house[0] is None
    for late in house[1:]:
        assert challenge_for(late)
        release_vote(late)
    assert counted() == Count(HOUSEHOLD, 0)
    held = Vote.objects.filter(standing=Standing.QUARANTINED)
    assert [late.suspicion for late in held] == [Suspicion.ADDRESS] * 2
    release_vote(held[0])
    assert counted() == Count(HOUSEHOLD, 0)
    assert not list(differences())


def test_no_work_releases_what_an_editor_doubts():
    tool = delta()
    doubted = cast_vote(tool.pk, uuid4(), Verdict.SHIP)
    assert doubted.quarantined is None
    Vote.objects.update(standing=Standing.QUARANTINED, suspicion=Suspicion.EDITOR)
    Tally.objects.update(ships=0, quarantined=1)
    assert challenge_for(Vote.objects.get()) is None
    assert release_vote(Vote.objects.get()) == Count(0, 0)
