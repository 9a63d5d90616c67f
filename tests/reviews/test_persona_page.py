import pytest

from reviews.personas import Persona
from reviews.writing import Statement, record_reviews
from tests import cast

pytestmark = pytest.mark.django_db


def test_it_says_what_the_lens_asks_and_that_it_is_no_person(site):
    page = site.get("/personas/skeptic/")
    assert page.one("h1") == "The Skeptic"
    assert Persona.SKEPTIC.lens.question in page.text
    assert "A lens is not a person" in page.text


def test_it_counts_its_ships(site):
    cast.alpha(), cast.beta(), cast.gamma()
    cast.review(cast.make_tool("hidden", status="draft"), "ship ship ship ship")
    assert site.get("/personas/founder/").one(".figures") == "50% Ship rate 2 Reviews 1 Ships"


def test_it_lists_the_newest_verdicts_and_those_it_turned_round(site):
    tool = cast.alpha()
    record_reviews([Statement(tool.pk, "founder", "skip", 20, "No.", reason="The price doubled.")])
    page = site.get("/personas/founder/")
    assert page.all(".alternative-name") == ["Alpha"]
    (change,) = page.all(".changes li")
    assert "ship → skip" in change
    assert "The price doubled." in change


def test_a_new_score_alone_is_no_reversal(site):
    tool = cast.alpha()
    record_reviews([Statement(tool.pk, "founder", "ship", 20, "Hm.")])
    assert site.get("/personas/founder/").all(".changes li") == []


def test_without_reviews_it_says_so(site):
    page = site.get("/personas/builder/")
    assert "has not judged a tool yet" in page.text
    assert page.one(".figures") == "— Ship rate 0 Reviews 0 Ships"


def test_upper_case_leads_to_the_one_address(client):
    assert client.get("/personas/BUILDER")["Location"] == "/personas/builder/"


def test_there_is_no_fifth_persona(site):
    site.get("/personas/critic/", status=404)


def test_the_number_of_queries_does_not_grow(site, django_assert_max_num_queries):
    for number in range(10):
        tool = cast.make_tool(f"tool-{number}")
        cast.review(tool, "ship ship ship ship")
        cast.review(tool, "skip skip skip skip")
    with django_assert_max_num_queries(3):
        site.get("/personas/builder/")
