"""What was changed about public verdicts and scores, and why."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reviews.publishing import move_review
from reviews.writing import Statement, record_reviews
from tests import cast
from tools.models import Tool
from tools.publishing import move
from tools.status import Status

pytestmark = pytest.mark.django_db

ADDRESS = "/corrections/"


def say(tool, verdict, score, reason="", body="Other words.", **more):
    record_reviews([Statement(tool.pk, "founder", verdict, score, body, reason=reason, **more)])


def test_a_verdict_that_changed_stands_with_what_it_was_and_why(site):
    tool = cast.alpha()
    say(tool, "skip", 20, "The price doubled.")
    row = site.get(ADDRESS).one(".changes li")
    assert row == (
        "Founder on Alpha: 72/100 · ship → 20/100 · skip "
        f"{timezone.now():%-d %b %Y} The price doubled."
    )


@pytest.mark.parametrize(("before", "after"), [(72, 60), (72, None), (None, 0), (None, 60)])
def test_a_score_that_changed_is_a_correction(site, before, after):
    tool = cast.delta()
    say(tool, "ship", before, body="First.")
    say(tool, "ship", after, "Measured again.")
    assert len(site.get(ADDRESS).all(".changes li")) == 1


@pytest.mark.parametrize("score", [72, None])
def test_a_new_wording_alone_is_none(site, score):
    tool = cast.delta()
    say(tool, "ship", score, body="First.")
    say(tool, "ship", score)
    assert site.get(ADDRESS).all(".changes li") == []
    assert "None so far." in site.get(ADDRESS).text


def test_a_withdrawn_review_is_listed_with_the_reason(site):
    review = cast.alpha().reviews.get(persona="founder")
    move_review(review, Status.WITHDRAWN, reason="It judged an older model.")
    row = site.get(ADDRESS).one(".changes li")
    assert row.startswith("Founder on Alpha: 72/100 · ship → withdrawn")
    assert row.endswith("It judged an older model.")


def test_an_edit_of_what_is_withdrawn_is_none(site):
    tool = cast.alpha()
    move_review(tool.reviews.get(persona="founder"), Status.WITHDRAWN, reason="Too old.")
    say(tool, "skip", 5, "For editors only.", status=Status.WITHDRAWN)
    row = site.get(ADDRESS).one(".changes li")
    assert "72/100 · ship → withdrawn" in row
    assert row.endswith("Too old.")


def test_what_is_withdrawn_with_another_verdict_stands_with_the_public_one(site):
    say(cast.alpha(), "skip", 5, "Too old.", status=Status.WITHDRAWN)
    assert "72/100 · ship → withdrawn" in site.get(ADDRESS).one(".changes li")


def test_what_was_withdrawn_twice_stands_twice(site):
    tool = cast.alpha()
    say(tool, "ship", 72, "One.", status=Status.WITHDRAWN)
    say(tool, "skip", 20, "Two.", status=Status.PUBLISHED)
    say(tool, "skip", 20, "Three.", status=Status.WITHDRAWN)
    rows = site.get(ADDRESS).all(".changes li")
    assert [row.split()[-1] for row in rows] == ["Three.", "Two.", "One."]
    assert "72/100 · ship → 20/100 · skip" in rows[1]


def test_what_changed_before_the_tool_appeared_is_none_anywhere(site, client):
    tool = cast.make_tool("anvil", status=Status.DRAFT)
    cast.review(tool, "ship ship ship -")
    say(tool, "ship", 50, body="First.")
    say(tool, "skip", 40, "Nobody knows.")
    hidden = tool.reviews.get(persona="skeptic")
    move_review(hidden, Status.WITHDRAWN, reason="Nobody knows.")
    tool = Tool.objects.get()
    move(tool, Status.PUBLISHED)
    record_reviews([
        Statement(tool.pk, "skeptic", "skip", None, "Anew.", reason="Nobody knows.",
                  status=Status.PUBLISHED),
    ])  # fmt: skip
    assert site.get(ADDRESS).all(".changes li") == []
    assert site.get("/").all(".changes li") == []
    assert "ship → skip" not in client.get("/feeds/verdicts/").content.decode()


def test_what_stood_when_the_tool_appeared_is_corrected_from_then_on(site):
    tool = cast.make_tool("anvil", status=Status.DRAFT)
    say(tool, "ship", 50, body="First.")
    move(tool, Status.PUBLISHED)
    say(tool, "skip", 40, "It broke.")
    assert site.get(ADDRESS).one(".changes li").endswith("It broke.")
    assert "ship → skip" in site.get("/").one(".changes li")


def test_a_change_without_a_reason_says_so(site):
    say(cast.alpha(), "skip", 20)
    assert site.get(ADDRESS).one(".changes li").endswith("No reason was given.")


def test_what_readers_never_saw_is_no_correction(site):
    tool = cast.delta()
    say(tool, "ship", 50, status=Status.DRAFT)
    say(tool, "skip", 40, status=Status.DRAFT)
    say(tool, "ship", 30, status=Status.SCHEDULED,
        published_at=timezone.now() + timedelta(days=1))  # fmt: skip
    other = cast.make_tool("anvil")
    record_reviews([Statement(other.pk, "founder", "ship", 1, "x", status=Status.WITHDRAWN)])
    assert site.get(ADDRESS).all(".changes li") == []


def test_the_tool_itself_has_to_be_public(site):
    tool = cast.alpha()
    say(tool, "skip", 20)
    move(tool, Status.WITHDRAWN, reason="Shut down.")
    assert site.get(ADDRESS).all(".changes li") == []


def test_the_newest_stands_first_and_a_later_change_is_compared_with_the_one_before(site):
    tool = cast.alpha()
    say(tool, "skip", 20, "One.")
    say(tool, "skip", 30, "Two.")
    rows = site.get(ADDRESS).all(".changes li")
    assert [row.split()[-1] for row in rows] == ["Two.", "One."]
    assert "20/100 · skip → 30/100 · skip" in rows[0]


def test_it_comes_in_pages_with_a_constant_number_of_queries(site, django_assert_num_queries):
    for number in range(30):
        tool = cast.make_tool(f"tool-{number}")
        say(tool, "ship", 50, body="First.")
        say(tool, "skip", 40, "Why.")
    with django_assert_num_queries(2):
        page = site.get(ADDRESS)
    assert len(page.all(".changes li")) == 24
    assert page.links(".pager a") == ["?page=2"]
    second = site.get(f"{ADDRESS}?page=2")
    assert len(second.all(".changes li")) == 6
    assert 'content="noindex' in second.html
    site.get(f"{ADDRESS}?page=3", status=404)


def test_every_page_leads_to_it_and_the_sitemap_lists_it(client, site):
    assert ADDRESS in site.get("/").links("footer a")
    assert ADDRESS in client.get("/sitemap-pages.xml").content.decode()


def test_names_are_escaped(site):
    tool = cast.make_tool("anvil", name="<b>Anvil</b>")
    say(tool, "ship", 50, body="First.")
    say(tool, "skip", 40, "<script>alert(1)</script>")
    page = site.get(ADDRESS)
    assert "<script>alert" not in page.html
    assert "<b>Anvil</b>" in page.text
