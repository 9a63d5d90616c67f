"""Tools and comparisons as JSON and Markdown, in the shape of docs/api.md."""

import json
from pathlib import Path

import pytest

from tests import cast

pytestmark = pytest.mark.django_db

TWINS = [
    "/tools/alpha.json",
    "/tools/alpha.md",
    "/compare/alpha-vs-beta.json",
    "/compare/alpha-vs-beta.md",
]


@pytest.fixture(autouse=True)
def pair(db):
    return cast.alpha(), cast.beta()


def test_a_tool_has_the_documented_shape(client, settings):
    data = client.get("/tools/alpha.json").json()
    assert data.pop("reviews")[0] == {
        "persona": "builder",
        "verdict": "ship",
        "score": 84,
        "argument": "The Builder argues about alpha.",
        "evidence": "researched",
        "reviewed_on": "2026-11-14",
    }
    assert data == {
        "format": "shiporskip-tool/1",
        "url": f"{settings.SITE_URL}/tools/alpha/",
        "slug": "alpha",
        "name": "Alpha",
        "tagline": "What alpha is for",
        "description": "The description of alpha.",
        "website": None,
        "released_on": None,
        "vendor": {"slug": "acme", "name": "Acme"},
        "category": {"slug": "developer-tools", "name": "Developer Tools"},
        "panel": {"verdict": "ship", "ships": 4, "skips": 0, "share": 100, "mean_score": 78.75},
        "community": {"ships": 0, "skips": 0, "share": None, "interval": None},
        "entry": "free",
        "plans": [
            {"label": "Free tier", "kind": "free", "price_text": "Free", "price": None},
            {
                "label": "Pro $20/mo",
                "kind": "subscription",
                "price_text": "USD 20.00 per month",
                "price": {
                    "amount": "20.00",
                    "currency": "USD",
                    "period": "month",
                    "unit": None,
                    "effective_on": "2026-11-14",
                    "checked_on": "2026-11-14",
                },
            },
        ],
        "feed": f"{settings.SITE_URL}/feeds/tools/alpha/",
    }


def test_what_is_unknown_is_null(client):
    cast.delta()
    data = client.get("/tools/delta.json").json()
    assert data["tagline"] is data["description"] is None
    assert data["panel"] == {
        "verdict": "pending",
        "ships": 0,
        "skips": 0,
        "share": None,
        "mean_score": None,
    }
    assert (data["entry"], data["plans"], data["reviews"]) == ("unknown", [], [])


def test_a_comparison_has_the_documented_shape(client, pair, settings):
    cast.compare(*reversed(pair), summary="They **differ**.")
    data = client.get("/compare/beta-vs-alpha.json").json()
    tools = data.pop("tools")
    assert data == {
        "format": "shiporskip-comparison/1",
        "url": f"{settings.SITE_URL}/compare/beta-vs-alpha/",
        "answer": "Alpha wins on the panel: 4 of 4 personas ship it, against 3 of 4 for Beta.",
        "summary": "They **differ**.",
        "indexable": False,
    }
    assert tools == [client.get(f"/tools/{slug}.json").json() for slug in ("beta", "alpha")]


def test_markdown_says_what_the_page_says(client):
    text = client.get("/compare/alpha-vs-beta.md").content.decode()
    assert text.startswith("# Alpha vs Beta\n\nAlpha wins on the panel: 4 of 4 personas ship it")
    for words in (
        "## Alpha",
        "### Builder: 84/100 · ship",
        "The Skeptic argues about beta.",
        "- Pro $20/mo: USD 20.00 per month, checked 2026-11-14",
        "- Pay per token: Not known",
    ):
        assert f"\n{words}\n" in text.replace(". ", ".\n"), words
    assert "# Alpha\n" in client.get("/tools/alpha.md").content.decode()


def test_a_name_is_no_markup(client):
    cast.make_tool("odd", name="*Odd* <script>\n# [x](y)")
    text = client.get("/tools/odd.md").content.decode()
    assert text.splitlines()[0] == r"# \*Odd\* \<script\> # \[x\](y)"


@pytest.mark.parametrize("address", TWINS)
def test_any_site_may_read_it_and_a_cache_may_keep_it(client, address):
    answer = client.get(address)
    kind = "application/json" if address.endswith("json") else "text/markdown"
    assert answer["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "public" in answer["Cache-Control"]
    assert not answer.cookies
    again = client.get(address, headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again["Access-Control-Allow-Origin"]) == (304, "*")


@pytest.mark.parametrize("address", TWINS)
def test_the_address_decides_and_not_the_accept_header(client, address):
    answer = client.get(address, headers={"accept": "application/x-nobody;q=zzz"})
    assert answer.status_code == 200
    assert client.get("/tools/alpha/", headers={"accept": "no/thing"}).status_code == 200


@pytest.mark.parametrize("address", TWINS)
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_it_can_only_be_read(client, address, method):
    assert getattr(client, method)(address).status_code == 405
    assert client.head(address).status_code == 200


@pytest.mark.parametrize("ending", ["json", "md"])
def test_it_has_one_address_as_its_page_has(client, ending):
    for asked, canonical in (
        ("/tools/ALPHA", "/tools/alpha"),
        ("/compare/beta-vs-alpha", "/compare/alpha-vs-beta"),
        ("/compare/ALPHA-VS-beta", "/compare/alpha-vs-beta"),
        ("/compare/alpha-vs-alpha", "/tools/alpha"),
    ):
        answer = client.get(f"{asked}.{ending}")
        assert (answer.status_code, answer["Location"]) == (301, f"{canonical}.{ending}")


@pytest.mark.parametrize(
    "slug", ["alpa", "hidden", "x" * 5000, "' OR 1=1 --", "日本語", "a-vs-", "-vs-", "a-vs-b-vs-c"]
)
@pytest.mark.parametrize("room", ["tools", "compare"])
def test_what_is_not_there_is_said_in_the_same_language(client, room, slug):
    cast.make_tool("hidden", status="draft")
    answer = client.get(f"/{room}/{slug}.json")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert set(answer.json()) == {"error", "nearest"}
    assert "hidden" not in answer.json()["nearest"]
    answer = client.get(f"/{room}/{slug}.md")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/plain; charset=utf-8")


def test_the_nearest_names_are_offered(client):
    assert "alpha" in client.get("/tools/alpa.json").json()["nearest"]
    assert "Did you mean alpha" in client.get("/tools/alpa.md").content.decode()


@pytest.mark.parametrize("address", ["/tools/%00.json", "/tools/alpha.json/", "/tools/alpha.xml"])
def test_an_address_that_is_no_twin_is_a_page_that_does_not_exist(client, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("page", "twins"),
    [("/tools/alpha/", TWINS[:2]), ("/compare/alpha-vs-beta/", TWINS[2:])],
)
def test_pages_name_their_twins(site, page, twins):
    selector = 'link[rel=alternate][type$="json"], link[rel=alternate][type$="markdown"]'
    assert site.get(page).links(selector) == twins


def test_the_number_of_queries_does_not_grow(client, pair, django_assert_max_num_queries):
    for number in range(10):
        cast.add_plan(pair[0], f"Plan {number}", "subscription", "5")
        cast.compare(pair[0], cast.make_tool(f"tool-{number}"))
    for address in TWINS:
        with django_assert_max_num_queries(8):
            client.get(address)


def test_every_key_is_documented(client):
    docs = (Path(__file__).parents[2] / "docs" / "api.md").read_text()

    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    data = json.loads(client.get("/compare/alpha-vs-beta.json").content)
    assert [key for key in set(keys(data)) if f"`{key}`" not in docs] == []
    assert "shiporskip-tool/1" in docs
    assert "shiporskip-comparison/1" in docs


def test_three_tools_have_twins_too_and_no_text_of_a_pair_among_them(client, pair):
    cast.gamma()
    data = client.get("/compare/alpha-vs-beta-vs-gamma.json").json()
    assert [tool["slug"] for tool in data["tools"]] == ["alpha", "beta", "gamma"]
    assert (data["summary"], data["indexable"]) == (None, False)
    moved = client.get("/compare/gamma-vs-alpha-vs-beta.md")
    assert moved["Location"] == "/compare/alpha-vs-beta-vs-gamma.md"
    assert client.get("/compare/a-vs-b-vs-c-vs-d-vs-e.json").status_code == 404
    assert client.get("/og/compare/alpha-vs-beta-vs-gamma.png").status_code == 404
