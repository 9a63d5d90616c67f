from itertools import pairwise
from urllib.parse import quote

import pytest

from comparisons.search import MOST
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog(db):
    alpha, beta = cast.alpha(), cast.beta()
    cast.gamma(), cast.delta()
    cast.compare(beta, alpha, summary="Alpha *wins* by a nose.")


def names(page, kind="tools"):
    return page.all(f"#found-{kind} + .results > .result > .result-name")


def test_with_nothing_typed_it_asks_and_may_be_indexed(site, catalog):
    for address in ("/search/", "/search/?q=", "/search/?q=%20%20", "/search/?q=%00"):
        page = site.get(address)
        assert page.one(".empty-box h2") == "What are you looking for?"
        assert "noindex" not in page.html
        assert page.links(".empty-box a") == ["/tools/", "/compare/"]


def test_tools_come_first_with_stamp_strip_vendor_category_and_tagline(site, catalog):
    page = site.get("/search/?q=alpha")
    kinds = [heading.split()[0] for heading in page.all(".result-section h2")]
    assert kinds == ["Tools", "Comparisons", "Reviews"]
    assert page.links("#found-tools + .results a") == ["/tools/alpha/"]
    assert page.all("#found-tools + .results .result") == [
        "Alpha Ship Acme · Developer Tools What alpha is for"
    ]
    (strip,) = page.tree.cssselect("#found-tools + .results .panel-strip")
    assert strip.get("aria-label").startswith("Panel: 4 ship")


def test_comparisons_lead_to_their_one_address_with_a_snippet(site, catalog):
    page = site.get("/search/?q=nose")
    assert page.links(".comparison-row") == ["/compare/beta-vs-alpha/"]
    assert page.one(".result-snippet") == "Alpha wins by a nose."
    assert page.one(".result-snippet mark") == "nose"


def test_reviews_name_persona_and_tool(site, catalog):
    page = site.get("/search/?q=skeptic+argues+beta")
    assert names(page, "reviews") == ["Skeptic on Beta"]
    assert page.links("#found-reviews + .results a") == ["/tools/beta/#scorecard"]
    assert page.one(".result-snippet") == "The Skeptic argues about beta."


def test_vendors_come_with_their_tools(site, catalog):
    page = site.get("/search/?q=acme")
    assert names(page, "vendors") == ["Acme 4 tools"]
    assert page.all(".result-tools li") == ["Alpha", "Beta", "Delta", "Gamma"]


def test_it_says_how_many_there_are_and_leads_to_all_of_them(site, catalog):
    for number in range(30):
        cast.make_tool(f"tool-{number:02}")
    page = site.get("/search/?q=tool")
    assert page.one("#found-tools") == "Tools 30"
    assert len(names(page)) == 8
    assert page.links(".result-section > p > a") == ["?q=tool&in=tools"]
    first = site.get("/search/?q=tool&in=tools")
    assert len(names(first)) == 24
    assert first.links('.pager a[rel="next"]') == ["?q=tool&in=tools&page=2"]
    assert len(names(site.get("/search/?q=tool&in=tools&page=2"))) == 6
    site.get("/search/?q=tool&in=tools&page=3", status=404)


def test_more_than_it_ranks_are_not_counted(site, monkeypatch):
    monkeypatch.setattr("comparisons.search.MOST", 5)
    monkeypatch.setattr("comparisons.results.MOST", 5)
    for number in range(8):
        cast.make_tool(f"tool-{number}")
    assert site.get("/search/?q=tool").one("#found-tools") == "Tools 5+"
    assert MOST >= 100


def test_a_typing_error_still_finds_and_says_so(site, catalog):
    page = site.get("/search/?q=alhpa")
    assert names(page) == ["Alpha"]
    assert "Nothing has “alhpa” in it. These fit “alpha”." in page.text
    assert page.tree.cssselect("#search")[0].get("value") == "alhpa"


def test_nothing_found_offers_the_nearest_names_and_the_way_on(site, catalog):
    near = site.get("/search/?q=bet%204")
    assert "Beta" in near.all(".empty-box .tags li")
    page = site.get("/search/?q=qqqzzz")
    assert page.one(".empty-box h2") == "Nothing fits “qqqzzz”"
    assert page.links(".empty-box a") == ["/tools/", "/compare/"]


def test_only_signs_are_answered_with_what_is_missing(site, catalog):
    assert "no letter or digit" in site.get("/search/?q=%3F%21%26").text


@pytest.mark.parametrize(
    "typed", ["alpha vs beta", "Beta or ALPHA", "alpha-vs-beta", " beta  VS. al"]
)
def test_x_vs_y_goes_to_the_comparison(client, catalog, typed):
    answer = client.get("/search/", {"q": typed})
    assert (answer.status_code, answer["Location"]) == (302, "/compare/beta-vs-alpha/")


def test_names_that_are_only_similar_are_offered_on_top(site, catalog):
    page = site.get("/search/?q=alhpa+vs+beta")
    assert page.one(".search-versus") == "Compare Beta vs Alpha?"
    assert page.links(".search-versus a") == ["/compare/beta-vs-alpha/"]


def test_a_tool_against_itself_is_that_tool(site, catalog):
    assert names(site.get("/search/?q=alpha+vs+Alpha"))[0] == "Alpha"


def test_results_stay_out_of_the_index_and_have_a_title_of_their_own(site, catalog):
    page = site.get("/search/?q=alpha")
    assert '<meta name="robots" content="noindex, follow">' in page.html
    assert page.one("title") == "Search for “alpha” · Ship or Skip"
    assert not page.tree.cssselect("link[rel=canonical]")


HOSTILE = [
    "' OR 1=1 --", "<script>alert(1)</script>", "& | ! :* ( '", "\\", "\x00", "alpha\x00beta",
    "日本語",
    "شحن أو تخطي", "\u202eahpla", "🙂", "👩‍🚀 alpha", "the of and", "?!…", "%", "a" * 3000,
    "vs", " vs ", "alpha vs", "vs alpha", "x or y or z", "alpha vs alpha vs alpha", "½", "\ufffd",
]  # fmt: skip


@pytest.mark.parametrize("typed", HOSTILE)
def test_any_text_has_a_clear_answer(site, catalog, typed):
    page = site.get(f"/search/?q={quote(typed)}")
    assert page.one("h1") == "Search"
    assert "<script>alert" not in page.html
    assert site.client.get(f"/search/suggest/?q={quote(typed)}").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["q=%ED%A0%80", "q=%FF%FE", "q=alpha&q=beta", "q[]=alpha", "q=alpha&in=nope", "q=alpha&page=-1",
     "q=alpha&in=tools&page=abc", "q=alpha&in=vendors", "in=tools", "page=2"],
)  # fmt: skip
def test_any_query_string_has_a_clear_answer(site, catalog, query):
    site.get(f"/search/?{query}")
    assert site.client.get(f"/search/suggest/?{query}").status_code == 200


def test_a_long_text_is_cut_and_the_page_says_where(site, catalog):
    page = site.get("/search/?q=" + "x" * 10_000)
    assert "We looked for its first 12 words, up to 200 characters." in page.text
    assert len(page.text) < 1500


def test_the_number_of_queries_does_not_grow(site, django_assert_max_num_queries):
    tools = [cast.make_tool(f"tool-{number}") for number in range(12)]
    for tool, other in pairwise(tools):
        cast.review(tool, "ship ship skip ship")
        cast.compare(tool, other)
    for typed, ceiling in (("tool", 11), ("tol", 18), ("tool-1 vs tul", 22), ("qqqzzz", 8)):
        with django_assert_max_num_queries(ceiling):
            site.get(f"/search/?q={typed}")


def test_suggestions_are_few_tools_first_and_the_same_for_everybody(client, catalog):
    for number in range(20):
        cast.make_tool(f"alpha-{number}")
    answer = client.get("/search/suggest/?q=alpha")
    found = answer.json()["suggestions"]
    assert len(found) == 8
    assert found[0] == {"name": "Alpha", "address": "/tools/alpha/", "note": "Ship"}
    assert answer["Cache-Control"] == "public, max-age=60"
    assert "Cookie" not in answer.get("Vary", "")


def test_suggestions_know_comparisons_and_typing_errors(client, catalog):
    def found(typed):
        answer = client.get("/search/suggest/", {"q": typed})
        return [suggestion["address"] for suggestion in answer.json()["suggestions"]]

    assert found("bet") == ["/tools/beta/", "/compare/beta-vs-alpha/"]
    assert found("alhpa") == ["/tools/alpha/", "/compare/beta-vs-alpha/"]
    assert found("alpha vs beta")[0] == "/compare/beta-vs-alpha/"
    assert found("") == found("?") == []


def test_the_home_page_and_the_masthead_have_the_box(site, catalog):
    for address, box in (("/", "search"), ("/tools/", "masthead-search"), ("/search/", "search")):
        page = site.get(address)
        (form,) = page.tree.cssselect("form[role=search]")
        assert (form.get("action"), form.get("method")) == ("/search/", "get")
        assert [label.get("for") for label in form.cssselect("label")] == [box]
        assert "/search/" in page.links(".masthead-nav a")
