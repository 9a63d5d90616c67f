import pytest

from tests import cast
from tools.filters import VENDORS
from tools.models import Vendor

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
        ("sort=contested", ["Beta", "Gamma", "Alpha", "Delta"]),
        ("vendor=acme&entry=free", ["Alpha"]),
    ],
)
def test_filters_and_order_live_in_the_query_string(site, tools, query, found):
    assert names(site.get(f"/tools/?{query}")) == found


def test_the_form_shows_what_was_chosen(site, tools):
    page = site.get("/tools/?entry=free&sort=panel")
    assert page.all("option[selected]") == ["Free (1)", "Best panel first"]


def test_a_filter_that_nothing_passes_says_what_to_do(site, tools):
    page = site.get("/tools/?verdict=skip")
    assert page.one(".empty-box h2") == "No tool fits all of that"


@pytest.mark.parametrize(
    "query",
    [
        "entry=gratis",
        "verdict=%00",
        "category=nope",
        "category=%00",
        "vendor=nope",
        "vendor=%00",
        "vendor=" + "x" * 300,
        "vendor=%F0%9F%99%82",
        "sort=\x00",
        "x=1",
    ],
)
def test_a_filter_that_does_not_exist_counts_as_not_chosen(site, tools, query):
    assert len(names(site.get(f"/tools/?{query}"))) == 4


def options(page, name):
    return page.all(f"select[name={name}] option")


def test_each_choice_shows_how_many_tools_it_leaves(site, tools):
    page = site.get("/tools/")
    assert options(page, "category") == ["All categories", "Developer Tools (4)"]
    assert options(page, "entry") == ["Any", "Free (1)", "Paid (1)", "Unknown (2)"]
    assert options(page, "verdict")[1:] == ["Ship (2)", "Skip (0)", "Split (0)", "Pending (2)"]
    assert options(page, "vendor") == ["Any vendor", "Acme (4)"]


def test_the_counts_of_a_filter_follow_the_other_filters_and_not_itself(site, tools):
    page = site.get("/tools/?entry=free")
    assert options(page, "entry") == ["Any", "Free (1)", "Paid (1)", "Unknown (2)"]
    assert options(page, "verdict")[1:] == ["Ship (1)", "Skip (0)", "Split (0)", "Pending (0)"]
    assert options(page, "category") == ["All categories", "Developer Tools (1)"]


def test_only_vendors_that_leave_something_are_offered_and_the_chosen_one(site, tools):
    other = Vendor.objects.create(slug="other", name="Other")
    cast.make_tool("lonely", vendor=other)
    assert options(site.get("/tools/?entry=free"), "vendor") == ["Any vendor", "Acme (1)"]
    page = site.get("/tools/?entry=free&vendor=other")
    assert options(page, "vendor") == ["Any vendor", "Acme (1)", "Other (0)"]
    assert names(page) == []
    assert options(page, "category") == ["All categories"]


def test_of_many_vendors_those_with_the_most_tools_are_offered(site, tools):
    for number in range(VENDORS + 5):
        vendor = Vendor.objects.create(slug=f"v-{number:02}", name=f"Vendor {number:02}")
        cast.make_tool(f"tool-{number:02}", vendor=vendor)
    offered = options(site.get("/tools/"), "vendor")
    assert len(offered) == 1 + VENDORS
    assert offered[1] == "Acme (4)"
    last = VENDORS + 4
    assert f"Vendor {last} (1)" not in offered
    assert f"Vendor {last} (1)" in options(site.get(f"/tools/?vendor=v-{last}"), "vendor")


def test_a_vendor_with_nothing_public_counts_as_not_chosen(site, tools):
    cast.make_tool("hidden", status="draft", vendor=Vendor.objects.create(slug="v", name="V"))
    assert len(names(site.get("/tools/?vendor=v"))) == 4


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
    everything = "category=developer-tools&vendor=acme&entry=free&verdict=pending&sort=name"
    with django_assert_max_num_queries(5):
        site.get(f"/tools/?{everything}")


def test_a_filtered_list_stays_out_of_the_index(site, tools):
    assert "noindex" in site.get("/tools/?entry=free").html
    assert "noindex" not in site.get("/tools/").html
