"""The address that answers to “Which one would you ship with?” are sent to."""

import json
from urllib.parse import quote

import altcha
import pytest
from django.test import Client

from reviews.duels import Duel, DuelTally
from reviews.tallies import DuelCount
from reviews.voters import COOKIE
from reviews.votes import Standing
from tests import cast
from tools.status import Status

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
ADDRESS = "/compare/alpha-vs-beta/vote/"
HERE = {"Sec-Fetch-Site": "same-origin"}
JSON = HERE | {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def pair(db):
    return cast.alpha(), cast.beta()


def browser():
    """A browser that has not voted yet; Django's own checks are on."""
    return Client(enforce_csrf_checks=True)


def choose(client, choice="alpha", address=ADDRESS, headers=HERE, ip="192.0.2.1", **form):
    body = "&".join(f"{name}={value}" for name, value in {"choice": choice, **form}.items())
    return client.post(address, body, FORM, headers=headers, REMOTE_ADDR=ip)


def count():
    tally = DuelTally.objects.first()
    return tally.count if tally else DuelCount()


def test_a_choice_leads_back_to_its_place_and_is_shown_there(site):
    answer = choose(browser())
    assert (answer.status_code, answer["Location"]) == (303, "/compare/alpha-vs-beta/#duel")
    assert "no-store" in answer["Cache-Control"]
    assert count() == DuelCount(1, 0, 0)
    page = site.get("/compare/alpha-vs-beta/")
    assert page.one(".duel-count") == "1 reader answered, too few to say."


@pytest.mark.parametrize(
    ("choice", "counted"),
    [
        ("alpha", DuelCount(1, 0, 0)),
        ("beta", DuelCount(0, 1, 0)),
        ("neither", DuelCount(0, 0, 1)),
        ("retract", DuelCount()),
    ],
)
@pytest.mark.parametrize("names", ["alpha-vs-beta", "beta-vs-alpha", "Beta-VS-Alpha"])
def test_the_names_may_stand_in_either_order(names, choice, counted):
    assert choose(browser(), choice, f"/compare/{names}/vote/").status_code == 303
    assert count() == counted


def test_a_reader_changes_their_mind_and_takes_it_back():
    reader = browser()
    choose(reader, "alpha")
    choose(reader, "beta")
    assert count() == DuelCount(0, 1, 0)
    choose(reader, "retract")
    assert not Duel.objects.exists()


def test_a_script_is_told_the_count_and_what_undoes_the_choice():
    reader = browser()
    first = choose(reader, "beta", headers=JSON).json()
    assert (first["change"], first["choice"], first["undo"]) == ("cast", "beta", "retract")
    assert first["count"] == {
        "alpha": 0,
        "beta": 1,
        "neither": 0,
        "total": 1,
        "shares": None,
        "text": "1 reader answered, too few to say.",
    }
    second = choose(reader, "neither", headers=JSON).json()
    assert (second["change"], second["choice"], second["undo"]) == ("changed", "neither", "beta")
    third = choose(reader, "neither", headers=JSON).json()
    assert (third["change"], third["undo"]) == ("unchanged", None)
    fourth = choose(reader, "retract", headers=JSON).json()
    assert (fourth["choice"], fourth["undo"]) == (None, "neither")


def test_a_script_is_told_the_count_in_the_order_of_the_page(pair):
    alpha, beta = pair
    cast.compare(beta, alpha)
    DuelTally.objects.create(left=alpha, right=beta, lefts=29, rights=10)
    told = choose(browser(), "alpha", headers=JSON).json()["count"]
    assert told["shares"] == [25, 75, 0]
    assert told["text"].startswith("Of 40 readers 25% would ship with \u2068Beta\u2069, 75%")


def test_one_voter_votes_and_chooses_under_one_cookie():
    reader = browser()
    reader.post("/tools/alpha/vote/", "choice=ship", FORM, headers=HERE)
    cookie = reader.cookies[COOKIE].value
    choose(reader)
    assert reader.cookies[COOKIE].value == cookie


def test_the_second_choice_without_a_cookie_waits_until_its_voter_is_back():
    choose(browser())
    reader = browser()
    choose(reader)
    assert Duel.objects.filter(standing=Standing.QUARANTINED).count() == 1
    choose(reader)
    assert count() == DuelCount(2, 0, 0)


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_other_sites_are_refused(headers):
    headers = headers or {"Origin": "https://elsewhere.example"}
    assert choose(browser(), headers=headers).status_code == 403
    assert not DuelTally.objects.exists()


@pytest.mark.parametrize("choice", ["", "gamma", "ship", "left", "ALPHA", "%00", "💥" * 500])
def test_an_unknown_choice_is_refused(choice):
    answer = choose(browser(), choice, headers=JSON)
    assert answer.status_code == 400
    assert answer.json() == {"error": "A choice is alpha, beta, neither or retract."}
    assert choose(browser(), choice).status_code == 400
    assert not DuelTally.objects.exists()


@pytest.mark.parametrize(
    "names",
    [
        "alpha", "alpha-vs-alpha", "alpha-vs-nothing", "alpha-vs-hidden", "alpha-vs-beta-vs-gamma",
        "-vs-", "alpha-vs-", "x" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_pair_of_public_tools_is_not_there(names):
    cast.make_tool("hidden", status=Status.DRAFT)
    cast.gamma()
    for headers in (HERE, JSON):
        answer = choose(browser(), address=f"/compare/{names}/vote/", headers=headers)
        assert answer.status_code == 404
    assert "No published tool is called" in answer.json()["error"]
    assert not DuelTally.objects.exists()


def test_reading_the_address_is_not_choosing():
    assert browser().get(ADDRESS).status_code == 405


def test_a_body_of_another_type_is_refused():
    answer = browser().post(ADDRESS, {"choice": "alpha"}, headers=HERE)
    assert answer.status_code == 415
    assert not DuelTally.objects.exists()


def test_a_forged_cookie_is_no_voter():
    reader = browser()
    reader.cookies[COOKIE] = "forged:value"
    assert choose(reader).status_code == 303
    assert reader.cookies[COOKIE].value != "forged:value"


def test_a_browser_works_its_quarantined_choice_free():
    choose(browser())
    reader = browser()
    challenge = choose(reader, headers=JSON).json()["challenge"]
    found = altcha.solve_challenge(
        challenge["challenge"], challenge["salt"], "SHA-256", challenge["max_number"]
    )
    kept = {name: challenge[name] for name in ("challenge", "salt", "signature")}
    proof = quote(json.dumps(kept | {"number": found.number}))
    vote = Duel.objects.get(standing=Standing.QUARANTINED)
    Duel.objects.update(suspicion="burst")  # so that coming back alone does not release it
    answer = choose(reader, headers=JSON, proof=proof).json()
    assert "challenge" not in answer
    assert answer["count"]["alpha"] == 2
    vote.refresh_from_db()
    assert vote.standing == Standing.COUNTED


def test_a_choice_between_tools_that_were_withdrawn_can_be_taken_back(pair):
    reader = browser()
    choose(reader)
    pair[1].become(Status.WITHDRAWN)
    pair[1].save()
    refused = choose(reader, "beta", headers=JSON)
    assert refused.status_code == 404
    assert refused.json() == {"error": "No published tool is called “beta”."}
    assert choose(reader, "retract").status_code == 303
    assert not Duel.objects.exists()
    assert choose(reader, "retract").status_code == 404
