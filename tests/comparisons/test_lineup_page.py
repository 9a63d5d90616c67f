"""Three and four tools on one page. What it shares with two is in test_comparison_page.py."""

import pytest

from tests import cast

pytestmark = pytest.mark.django_db

ADDRESS = "/compare/alpha-vs-beta-vs-gamma/"
FOUR = "/compare/alpha-vs-beta-vs-delta-vs-gamma/"


@pytest.fixture
def tools(db):
    return cast.alpha(), cast.beta(), cast.gamma(), cast.delta()


def test_it_is_titled_by_all_names(site, tools):
    page = site.get(FOUR)
    title = "Alpha vs Beta vs Delta vs Gamma"
    assert page.one("title") == f"{title}: which should you ship? · Ship or Skip"
    assert page.one("h1") == title
    assert page.one(".breadcrumb") == f"Compare {title}"


def test_every_part_has_a_column_for_each_tool(site, tools):
    page = site.get(FOUR)
    assert len(page.all(".versus-bar-side")) == 4
    assert len(page.all(".manifest")) == 4
    cells = [len(row.cssselect("td")) for row in page.tree.cssselect(".decision tbody tr")]
    assert cells == [4] * 6
    assert len(page.all(".argument")) == 16


def test_the_answer_is_computed_for_all_of_them(site, tools):
    cast.review(tools[2], "- - - ship")
    assert site.get(ADDRESS).one(".answer") == (
        "Alpha wins on the panel: 4 of 4 personas ship it, "
        "against 3 of 4 for Beta and 3 of 4 for Gamma."
    )


def test_a_row_differs_when_any_two_answers_do(site, tools):
    marked = site.get(ADDRESS).all(".decision-differs th")
    assert marked == ["Panel verdict differs", "Pricing differs", "Best for differs"]


def test_only_the_rows_that_differ_are_a_link_away(site, tools):
    page = site.get(f"{ADDRESS}?rows=different")
    assert len(page.tree.cssselect(".decision tbody tr")) == 3
    assert page.links(".decision-actions a")[0] == f"{ADDRESS}#decision"


def test_what_is_too_wide_scrolls_in_a_named_box_that_the_keyboard_reaches(site, tools):
    boxes = site.get(FOUR).tree.cssselect(".decision-box, .scorecard-box")
    assert [(box.get("role"), box.get("tabindex"), box.get("aria-label")) for box in boxes] == [
        ("region", "0", "Decision table, scrolls"),
        ("region", "0", "Reviewer scorecard, scrolls"),
    ]


def test_every_tool_has_a_mark_of_its_own_shape(site, tools):
    page = site.get(FOUR)
    used = [use.get("href") for use in page.tree.cssselect(".versus-bar .mark use")]
    shapes = {
        tuple((part.tag, part.get("class"), part.get("d")) for part in symbol)
        for symbol in page.tree.cssselect("symbol")
        if f"#{symbol.get('id')}" in used
    }
    assert len(set(used)) == len(shapes) == 4


def test_no_mark_of_a_score_line_hides_another(site):
    for slug in ("four", "one", "three", "two"):
        cast.review(cast.make_tool(slug), "ship ship ship ship", (50, 50, None, 50))
    page = site.get("/compare/four-vs-one-vs-three-vs-two/")
    line, *others = page.tree.cssselect(".score-line")
    marks = [part for part in line.cssselect("svg svg") if part.cssselect("[href^='#mark']")]
    assert [mark.get("x") for mark in marks] == ["50%"] * 4
    assert len({mark.get("y") for mark in marks}) == 4
    assert line.get("aria-label") == "Builder: Four 50, One 50, Three 50, Two 50, of 100"
    assert len(others) == 2  # no score, no line


def test_a_persona_that_disagrees_says_how_many_it_ships_and_skips(site, tools):
    flags = site.get(ADDRESS).all(".matchup-head .flag")
    assert flags == ["Ships 2, skips 1", "Ships 1, skips 1"]


@pytest.mark.parametrize(
    "address",
    [
        "/compare/beta-vs-alpha-vs-gamma/",
        "/compare/gamma-vs-beta-vs-alpha",
        "/compare/Alpha-VS-beta-vs-GAMMA/",
        "/compare/alpha-vs-beta-vs-gamma",
        "/compare/gamma-vs-alpha-vs-beta-vs-ALPHA-vs-gamma/",
    ],
)
def test_any_other_spelling_leads_to_the_one_address_at_once(client, tools, address):
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (301, ADDRESS)


@pytest.mark.parametrize("repeated", ["alpha-vs-beta-vs-alpha", "beta-vs-beta-vs-alpha"])
def test_two_tools_of_which_one_is_repeated_are_a_pair(client, tools, repeated):
    assert client.get(f"/compare/{repeated}/")["Location"] == "/compare/alpha-vs-beta/"


def test_one_tool_repeated_leads_to_the_tool(client, tools):
    answer = client.get("/compare/alpha-vs-alpha-vs-ALPHA/")
    assert (answer.status_code, answer["Location"]) == (301, "/tools/alpha/")


def test_an_editors_order_of_two_changes_nothing_among_three(site, tools):
    alpha, beta, *_ = tools
    cast.compare(beta, alpha)
    assert site.get(ADDRESS).one("h1") == "Alpha vs Beta vs Gamma"


def test_five_tools_are_too_many_and_the_first_four_are_offered(site, tools):
    cast.make_tool("epsilon")
    page = site.get("/compare/epsilon-vs-gamma-vs-beta-vs-alpha-vs-delta/", status=404)
    assert "One page compares four tools at most." in page.text
    assert page.links(".rows a") == ["/compare/alpha-vs-beta-vs-epsilon-vs-gamma/"]
    site.get(page.links(".rows a")[0])


def test_a_thousand_tools_are_answered_alike(site, tools):
    slugs = "-vs-".join(f"x{number}" for number in range(1000))
    page = site.get(f"/compare/{slugs}/", status=404)
    assert "four tools at most" in page.text
    assert page.links(".rows a") == []


def test_an_unknown_one_is_answered_with_what_the_nearest_would_make(site, tools):
    page = site.get("/compare/gamma-vs-alpa-vs-beta/", status=404)
    assert ADDRESS in page.links()
    assert "Alpha vs Beta vs Gamma" in page.text


def test_two_unknown_ones_are_answered_with_the_nearest_tools(site, tools):
    assert "/tools/alpha/" in site.get("/compare/alpa-vs-bta-vs-gamma/", status=404).links()


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_a_tool_that_is_not_public_is_unknown(site, tools, status):
    cast.make_tool("hidden", status=status)
    assert "Hidden" not in site.get("/compare/alpha-vs-beta-vs-hidden/", status=404).html


def test_each_tool_can_be_removed(site, tools):
    alpha, beta, *_ = tools
    cast.compare(beta, alpha)
    assert site.get(ADDRESS).links(".decision-remove") == [
        "/compare/beta-vs-gamma/",
        "/compare/alpha-vs-gamma/",
        "/compare/beta-vs-alpha/",
    ]
    assert site.get(FOUR).links(".decision-remove")[2] == ADDRESS
    assert site.get("/compare/beta-vs-alpha/").links(".decision-remove") == []


def test_a_tool_can_be_added_while_there_is_room(site, tools):
    assert site.get(ADDRESS).links(".decision-actions a")[1] == (
        "/compare/?with=alpha&with=beta&with=gamma#pick"
    )
    assert len(site.get(FOUR).links(".decision-actions a")) == 1


def test_comparisons_between_the_tools_come_first_among_the_related(site, tools):
    alpha, beta, gamma, _ = tools
    cast.compare(alpha, gamma)
    for number in range(8):
        cast.compare(beta, cast.make_tool(f"other-{number}"))
    assert site.get(ADDRESS).links(".comparison-row")[0] == "/compare/alpha-vs-gamma/"


def test_it_stays_out_of_the_index_and_names_its_address(site, tools, settings):
    page = site.get(ADDRESS)
    assert 'content="noindex, follow"' in page.html
    (link,) = page.tree.cssselect("link[rel=canonical]")
    assert link.get("href") == settings.SITE_URL + ADDRESS


def test_the_page_costs_two_queries_however_much_there_is(site, tools, django_assert_num_queries):
    alpha, beta, *_ = tools
    for number in range(10):
        cast.compare(alpha, cast.make_tool(f"other-{number}"))
        cast.add_plan(beta, f"Plan {number}", "subscription", "5")
    with django_assert_num_queries(2):
        site.get(FOUR)
