"""Where readers vote and what they see of it, on the pages of tools and comparisons."""

import pytest

from reviews.votes import Tally
from tests import cast

pytestmark = pytest.mark.django_db


def voted(tool, ships, skips):
    Tally.objects.create(tool=tool, ships=ships, skips=skips)
    return tool


def test_a_comparison_has_a_ballot_for_each_tool_that_leads_back_to_it(site):
    cast.alpha(), cast.beta()
    page = site.get("/compare/alpha-vs-beta/")
    assert page.all(".ballot-title") == ["Would you ship Alpha?", "Would you ship Beta?"]
    forms = page.tree.cssselect(".ballots .ballot-form")
    assert [form.get("action") for form in forms] == ["/tools/alpha/vote/", "/tools/beta/vote/"]
    assert forms[0].cssselect("[name=back]")[0].get("value") == (
        "/compare/alpha-vs-beta/#ballot-alpha"
    )
    assert [button.get("value") for button in forms[0].cssselect("[name=choice]")] == [
        "ship", "skip", "retract",
    ]  # fmt: skip
    assert "csrf" not in page.html
    assert not page.answer.cookies


def test_without_votes_a_ballot_says_so_and_draws_an_empty_bar(site):
    cast.alpha()
    page = site.get("/tools/alpha/")
    assert page.one(".tally") == "No community votes yet"
    assert page.tree.cssselect(".tally-bar")[0].get("data-empty") is not None


def test_below_ten_votes_no_page_shows_a_percentage(site):
    voted(cast.alpha(), 8, 1)
    cast.beta()
    for address in ("/tools/alpha/", "/compare/alpha-vs-beta/", "/tools/", "/"):
        assert "89%" not in site.get(address).html
    assert site.get("/tools/alpha/").one(".tally") == "9 votes, too few to say"
    assert "— Community" in site.get("/tools/alpha/").one(".manifest")


def test_the_share_comes_with_its_number_and_its_interval(site):
    voted(cast.alpha(), 222, 90)
    cast.beta()
    tally = "71% ship of 312 votes. With 95% confidence between 65% and 76% of readers would"
    page = site.get("/compare/alpha-vs-beta/")
    assert page.all(".tally")[0].startswith(tally)
    assert "71% Community" in page.all(".manifest")[0]
    row = next(row for row in page.all(".decision tr") if row.startswith("Community"))
    assert "71% ship of 312 votes No community votes yet" in row
    assert site.get("/tools/alpha/").one(".tally").startswith(tally)


@pytest.mark.parametrize(
    ("ships", "skips", "differ"), [(99, 1, False), (60, 40, True), (9, 0, False)]
)
def test_panel_against_crowd_is_shown_where_they_differ_by_more_than_chance(
    site, ships, skips, differ
):
    voted(cast.alpha(), ships, skips)
    shown = [text for text in site.get("/tools/alpha/").all(".note") if "crowd" in text]
    assert bool(shown) == differ  # from the four of four who ship it


def test_lists_are_ordered_by_what_is_almost_certain_of_the_votes(site):
    for slug, ships, skips in (
        ("few", 10, 0), ("many", 880, 120), ("even", 500, 500), ("none", 0, 0), ("hated", 5, 495),
    ):  # fmt: skip
        voted(cast.make_tool(slug), ships, skips)

    def order(sort):
        return [link.split("/")[2] for link in site.get(f"/tools/?sort={sort}").links(
            ".tool-card-name a")]  # fmt: skip

    assert order("readers")[:3] == ["many", "few", "even"]
    assert order("disputed")[0] == "even"
    assert order("agreed")[0] == "hated"


def test_the_front_page_names_where_readers_divide_and_where_they_agree(site):
    voted(cast.make_tool("even"), 500, 500)
    voted(cast.make_tool("loved"), 990, 10)
    voted(cast.make_tool("new"), 5, 0)
    assert site.get("/").all(".tally-row bdi") == ["Even", "Loved"]


def test_a_comparison_takes_no_query_more_for_the_votes(site, django_assert_num_queries):
    voted(cast.alpha(), 20, 20)
    voted(cast.beta(), 30, 20)
    with django_assert_num_queries(2):
        site.get("/compare/alpha-vs-beta/")
