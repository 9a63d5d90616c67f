import pytest

from tests import cast

pytestmark = pytest.mark.django_db


def names(page):
    return page.all(".tool-card-name")


@pytest.fixture
def tools(db):
    return [cast.alpha(), cast.beta(), cast.gamma(), cast.delta()]


def test_it_lists_the_newest_first(site, tools):
    assert names(site.get("/tools/")) == ["Delta", "Gamma", "Beta", "Alpha"]


def test_a_card_shows_category_name_tagline_verdict_and_entry(site, tools):
    card = site.get("/tools/?sort=name").all(".tool-card")[0]
    assert card == "A Developer Tools Alpha Save What alpha is for Ship Free"


def test_a_tool_without_plans_has_an_unknown_entry_and_not_a_free_one(site, tools):
    assert "Entry unknown" in site.get("/tools/").all(".tool-card")[0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("entry=free", ["Alpha"]),
        ("entry=paid", ["Beta"]),
        ("entry=unknown", ["Delta", "Gamma"]),
        ("verdict=ship", ["Beta", "Alpha"]),
        ("verdict=pending", ["Delta", "Gamma"]),
        ("verdict=skip", []),
        ("verdict=ship&entry=paid", ["Beta"]),
        ("category=developer-tools&sort=name", ["Alpha", "Beta", "Delta", "Gamma"]),
        ("sort=panel", ["Alpha", "Beta", "Gamma", "Delta"]),
    ],
)
def test_filters_and_order_live_in_the_query_string(site, tools, query, found):
    assert names(site.get(f"/tools/?{query}")) == found


def test_the_form_shows_what_was_chosen(site, tools):
    page = site.get("/tools/?entry=free&sort=panel")
    assert page.all("option[selected]") == ["Free", "Best panel first"]


def test_a_filter_that_nothing_passes_says_what_to_do(site, tools):
    page = site.get("/tools/?verdict=skip")
    assert page.one(".empty-box h2") == "No tool fits all of that"


@pytest.mark.parametrize(
    "query", ["entry=gratis", "verdict=%00", "category=nope", "sort=\x00", "x=1"]
)
def test_a_filter_that_does_not_exist_counts_as_not_chosen(site, tools, query):
    assert len(names(site.get(f"/tools/?{query}"))) == 4


def test_an_empty_catalog_says_so(site):
    assert site.get("/tools/").one(".empty-box h2") == "No tool has been judged yet"


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_only_what_is_published_is_listed(site, status):
    cast.make_tool("hidden", status=status)
    assert names(site.get("/tools/")) == []


def test_long_lists_come_in_pages_that_keep_the_filter(site):
    for number in range(30):
        cast.make_tool(f"tool-{number:02}")
    first = site.get("/tools/?verdict=pending&sort=name")
    assert len(names(first)) == 24
    assert first.links('.pager a[rel="next"]') == ["?verdict=pending&sort=name&page=2"]
    assert len(names(site.get("/tools/?verdict=pending&sort=name&page=2"))) == 6


@pytest.mark.parametrize("page", ["0", "-1", "abc", "", "1.5", "٣", "9" * 400, "%00"])
def test_a_page_number_that_makes_no_sense_means_the_first(site, tools, page):
    assert len(names(site.get(f"/tools/?page={page}"))) == 4


def test_a_page_past_the_end_is_a_404(site, tools):
    site.get("/tools/?page=2", status=404)


def test_the_number_of_queries_does_not_grow_with_the_tools(
    site, tools, django_assert_max_num_queries
):
    for number in range(20):
        cast.add_plan(cast.make_tool(f"tool-{number:02}"), "Free")
    with django_assert_max_num_queries(4):
        site.get("/tools/?sort=panel")


def test_a_filtered_list_stays_out_of_the_index(site, tools):
    assert "noindex" in site.get("/tools/?entry=free").html
    assert "noindex" not in site.get("/tools/").html
