"""The address that ballots are sent to."""

import json
from uuid import UUID

import pytest
from django.core import signing
from django.test import Client, override_settings

from reviews.tallies import Count
from reviews.votes import AddressKey, Standing, Tally, Vote
from tests.cast import delta, make_tool
from tools.models import Tool
from tools.status import Status

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
ADDRESS = "/tools/delta/vote/"
HERE = {"Sec-Fetch-Site": "same-origin"}
JSON = {"Accept": "application/json"}


def browser():
    """A browser that has not voted yet; Django's own checks are on."""
    return Client(enforce_csrf_checks=True)


def vote(client, choice="ship", address=ADDRESS, headers=HERE, ip="192.0.2.1", **form):
    body = "&".join(f"{name}={value}" for name, value in {"choice": choice, **form}.items())
    return client.post(address, body, FORM, headers=headers, REMOTE_ADDR=ip)


def count():
    tally = Tally.objects.first()
    return tally.count if tally else Count()


def test_a_ballot_leads_back_to_its_place():
    delta()
    answer = vote(browser())
    assert (answer.status_code, answer["Location"]) == (303, "/tools/delta/#ballot")
    assert "no-store" in answer["Cache-Control"]
    assert count() == Count(1, 0)


@pytest.mark.parametrize(
    ("back", "place"),
    [
        ("/compare/delta-vs-alpha/", "/compare/delta-vs-alpha/#ballot"),
        ("/compare/delta-vs-alpha/%23ballot-delta", "/compare/delta-vs-alpha/#ballot-delta"),
        ("https://elsewhere.example/", "/tools/delta/#ballot"),
        ("//elsewhere.example/", "/tools/delta/#ballot"),
        ("/%5Celsewhere.example/", "/tools/delta/#ballot"),
        ("javascript:alert(1)", "/tools/delta/#ballot"),
        ("/a%0d%0aSet-Cookie:x=y", "/a%0D%0ASet-Cookie:x=y#ballot"),
    ],
)
def test_back_leads_nowhere_but_to_this_site(back, place):
    delta()
    assert vote(browser(), back=back)["Location"] == place


def test_a_script_is_told_the_count_and_what_undoes_its_vote():
    delta()
    reader = browser()
    first = vote(reader, headers=HERE | JSON).json()
    assert first["choice"] == "ship"
    assert (first["change"], first["undo"]) == ("cast", "retract")
    assert first["count"]["text"] == "1 vote, too few to say"
    assert first["count"]["share"] is None
    second = vote(reader, "skip", headers=HERE | JSON).json()
    assert (second["change"], second["choice"], second["undo"]) == ("changed", "skip", "ship")
    third = vote(reader, "retract", headers=HERE | JSON).json()
    assert (third["change"], third["choice"], third["undo"]) == ("retracted", None, "skip")
    assert third["count"]["total"] == 0


def test_a_replayed_form_has_no_effect():
    delta()
    reader = browser()
    for _ in range(3):
        assert vote(reader).status_code == 303
    assert count() == Count(1, 0)
    assert vote(reader, headers=HERE | JSON).json()["undo"] is None


def test_reading_sets_no_cookie_and_voting_sets_one():
    delta()
    reader = browser()
    assert not reader.get("/tools/delta/").cookies
    cookie = vote(reader).cookies["voter"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 365 * 24 * 3600
    assert not cookie["secure"]
    assert not vote(reader, "skip").cookies  # it has one


@override_settings(SESSION_COOKIE_SECURE=True)
def test_where_the_site_is_https_so_is_the_cookie():
    delta()
    assert vote(browser()).cookies["voter"]["secure"]


def test_retracting_what_was_never_cast_sets_no_cookie():
    delta()
    assert not vote(browser(), "retract").cookies


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        "\x7f::",
        UUID(int=7).hex,
        UUID(int=7).hex + ":1tQ:forged",
        signing.TimestampSigner(salt="something else").sign(UUID(int=7).hex),
        signing.TimestampSigner(salt="voterreviews.voters").sign(UUID(int=7).hex)[:-3],
    ],
    ids=["empty", "nonsense", "odd signs", "unsigned", "forged", "other purpose", "truncated"],
)
def test_a_cookie_that_is_not_ours_is_none(value):
    delta()
    reader = browser()
    reader.cookies["voter"] = value
    answer = vote(reader)
    assert answer.status_code == 303
    assert answer.cookies["voter"]
    cast = Vote.objects.get()
    assert cast.voter != UUID(int=7)
    assert cast.without_cookie


def test_a_tool_that_is_withdrawn_while_a_vote_is_on_its_way_is_an_unknown_one(monkeypatch):
    delta()

    def gone(*_, **__):
        raise Tool.DoesNotExist

    monkeypatch.setattr("reviews.vote_views.cast_vote", gone)
    assert vote(browser()).status_code == 404


# From elsewhere


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {"Origin": "http://testserver.elsewhere.example"},
    ],
)
def test_a_form_on_another_site_cannot_vote(headers):
    delta()
    answer = vote(browser(), headers=headers)
    assert answer.status_code == 403
    assert not answer.cookies
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    "headers", [HERE, {"Sec-Fetch-Site": "none"}, {"Origin": "http://testserver"}]
)
def test_a_form_on_this_site_needs_no_token(headers):
    delta()
    assert vote(browser(), headers=headers).status_code == 303


# What is no ballot


@pytest.mark.parametrize("status", [Status.DRAFT, Status.WITHDRAWN])
def test_an_unpublished_tool_is_not_there(status):
    make_tool("hidden", status=status)
    assert vote(browser(), address="/tools/hidden/vote/").status_code == 404
    assert not Vote.objects.exists()


def test_a_vote_on_what_was_withdrawn_can_be_taken_back():
    tool, reader, other = delta(), browser(), browser()
    vote(reader)
    vote(other, ip="192.0.2.2")
    vote(browser(), ip="192.0.2.3")
    tool.become(Status.WITHDRAWN)
    tool.save()
    assert vote(reader, "skip").status_code == 404
    assert vote(reader, "retract").status_code == 303
    assert vote(reader, "retract").status_code == 404
    assert vote(other, "retract", headers=HERE | JSON).json()["change"] == "retracted"
    assert vote(browser(), "retract").status_code == 404
    assert count() == Count(1, 0)


@pytest.mark.parametrize("address", ["/tools/DELTA/vote/", "/tools/Delta/vote/"])
def test_capitals_in_the_address_do_not_matter(address):
    delta()
    assert vote(browser(), address=address)["Location"] == "/tools/delta/#ballot"
    assert count() == Count(1, 0)


@pytest.mark.parametrize("slug", ["nothing", "%00", "%F0%9F%98%80", "x" * 3000])
def test_an_unknown_tool_is_not_there(slug):
    delta()
    answer = vote(browser(), address=f"/tools/{slug}/vote/")
    assert answer.status_code == 404
    assert not answer.cookies


@pytest.mark.parametrize("choice", ["", "love", "SHIP", "ship%00", "%FF", "counted"])
def test_an_unknown_choice_is_refused_with_a_sentence(choice):
    delta()
    assert vote(browser(), choice).status_code == 400
    answer = vote(browser(), choice, headers=HERE | JSON)
    assert answer.status_code == 400
    assert answer.json() == {"error": "A vote is ship, skip or retract."}
    assert not Vote.objects.exists()


def test_reading_the_address_is_not_allowed():
    delta()
    assert browser().get(ADDRESS).status_code == 405
    assert browser().put(ADDRESS, "choice=ship", FORM).status_code == 405


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"choice": "ship"})),
        ("text/plain", "choice=ship"),
        ("multipart/form-data; boundary=x", "--x"),
        ("", "choice=ship"),
    ],
)
def test_another_kind_of_body_is_refused(kind, body):
    delta()
    answer = browser().post(ADDRESS, body, kind, headers=HERE)
    assert answer.status_code == 415
    assert b"sent as a form" in answer.content


@pytest.mark.parametrize("size", [10_000, 2_000_000])
def test_a_body_that_is_too_large_is_refused(size):
    delta()
    assert vote(browser(), filling="x" * size).status_code == 413
    assert not Vote.objects.exists()


def test_a_body_in_another_alphabet_is_refused():
    delta()
    answer = browser().post(ADDRESS, "choice=ship", f"{FORM}; charset=utf-16", headers=HERE)
    assert answer.status_code == 400


# Where it came from


def test_without_a_cookie_only_one_vote_counts_and_the_others_wait():
    delta()
    for _ in range(3):
        assert vote(browser()).status_code == 303
    assert count() == Count(1, 0)
    assert Tally.objects.get().quarantined == 2
    assert vote(browser(), ip="192.0.2.2").status_code == 303
    assert count() == Count(2, 0)


def test_a_voter_who_comes_back_with_the_cookie_is_counted():
    delta()
    make_tool("epsilon")
    vote(browser())
    second = browser()
    vote(second, "skip")
    assert count() == Count(1, 0)
    vote(second, address="/tools/epsilon/vote/")
    tally = Tally.objects.get(tool__slug="delta")
    assert (tally.count, tally.quarantined) == (Count(1, 1), 0)


def test_a_quarantined_voter_sees_no_difference():
    delta()
    vote(browser())
    answer = vote(browser(), headers=HERE | JSON)
    assert Vote.objects.filter(standing=Standing.QUARANTINED).count() == 1
    assert answer.json()["change"] == "cast"
    assert answer.cookies["voter"]


@override_settings(PROXY_COUNT=1)
def test_an_address_that_the_client_claims_does_not_matter():
    delta()
    for forged in ("", "198.51.100.7, ", "garbage, ", "1, 2, 3, 198.51.100.8, "):
        headers = HERE | {"X-Forwarded-For": f"{forged}192.0.2.1"}
        assert vote(browser(), headers=headers, ip="10.0.0.1").status_code == 303
    assert count() == Count(1, 0)
    assert len(set(Vote.objects.values_list("address", flat=True))) == 1


def test_no_address_is_kept_and_a_vote_makes_the_key_of_its_day():
    delta()
    vote(browser(), ip="192.0.2.1")
    cast, key = Vote.objects.get(), AddressKey.objects.get()
    assert len(cast.address) == 16
    assert len(key.key) == 32
    assert b"192.0.2.1" not in bytes(cast.address)


def test_a_script_is_told_that_a_tool_is_unknown():
    answer = vote(browser(), address="/tools/nothing/vote/", headers=HERE | JSON)
    assert answer.status_code == 404
    assert answer.json() == {"error": "No published tool is called “nothing”."}
