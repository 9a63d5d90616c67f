"""The picture that a page is shared with, and the tags that name it."""

import io

import pytest
from PIL import Image

from comparisons import pictures
from comparisons.pictures import Picture, Subject, draw, legible
from tests import cast

pytestmark = pytest.mark.django_db

ADDRESSES = ["/og/site.png", "/og/tools/alpha.png", "/og/compare/alpha-vs-beta.png"]


@pytest.fixture(autouse=True)
def catalog(db):
    return cast.compare(cast.alpha(), cast.beta())


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_a_png_of_the_size_that_networks_ask_for(client, address):
    answer = client.get(address)
    assert answer["Content-Type"] == "image/png"
    assert "public" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, image.size) == ("PNG", (1200, 630))
    assert len(answer.content) < 100_000
    assert len(image.convert("RGB").getcolors(1 << 20)) > 3


@pytest.mark.parametrize("address", ADDRESSES)
def test_whoever_has_it_gets_304_and_nothing_is_drawn(client, monkeypatch, address):
    etag = client.get(address)["ETag"]
    monkeypatch.setattr(Picture, "png", None)
    answer = client.get(address, headers={"if-none-match": etag})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)


def test_it_is_drawn_once_until_its_content_changes(client, catalog, monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures, "draw", lambda picture: drawn.append(picture) or b"png")
    for _ in range(3):
        first = client.get(ADDRESSES[2])
    assert len(drawn) == 1
    catalog.left.name = "Alpha 2"
    catalog.left.save()
    assert client.get(ADDRESSES[2])["ETag"] != first["ETag"]
    assert len(drawn) == 2


def test_it_costs_as_many_queries_as_the_data_it_shows(client, django_assert_num_queries):
    for address, queries in zip(ADDRESSES, (0, 2, 2), strict=True):
        with django_assert_num_queries(queries):
            client.get(address)


@pytest.mark.parametrize(
    "name",
    [
        "W" * 200,
        "word " * 40,
        "شحن أو تخطي",
        "日本語",
        "👩‍🚀" * 20,
        "a\u202eb\x01",
        "<b>&\n\t",
        "é",
    ],
)
def test_any_name_makes_a_picture(client, name):
    cast.review(cast.make_tool("odd", name=name, tagline=name), "ship skip - -")
    for address in ("/og/tools/odd.png", "/og/compare/alpha-vs-odd.png"):
        Image.open(io.BytesIO(client.get(address).content)).verify()


def test_a_name_that_the_font_cannot_write_gives_way_to_the_slug():
    assert legible("Claude 4 Opus", "claude") == "Claude 4 Opus"
    assert legible("Médium Łódź Ж שלום أداة", "x") == "Médium Łódź Ж שלום أداة"
    assert legible("日本語", "nihongo") == "nihongo"
    assert legible("Kimi 🙂 K2", "kimi-k2") == "Kimi K2"
    assert legible("a\u202eb", "ab") == "ab"


@pytest.mark.parametrize("cells", ["ssss", "xxxx", "ssxx", "s-x-", ""])
@pytest.mark.parametrize("mean", [None, 0.0, 100.0])
def test_every_panel_can_be_drawn(cells, mean):
    assert draw(Picture((Subject("A", cells, mean),), "A sentence.", "Ship or Skip"))


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/og/compare/beta-vs-alpha.png", "/og/compare/alpha-vs-beta.png"),
        ("/og/tools/ALPHA.png", "/og/tools/alpha.png"),
    ],
)
def test_it_has_one_address(client, asked, canonical):
    answer = client.get(asked)
    assert (answer.status_code, answer["Location"]) == (301, canonical)


@pytest.mark.parametrize("slug", ["nope", "draft", "%00", "x" * 3000, "a-vs-", "alpha-vs-alpha"])
@pytest.mark.parametrize("kind", ["tools", "compare"])
def test_what_is_not_there_has_no_picture(client, kind, slug):
    cast.make_tool("draft", status="draft")
    assert client.get(f"/og/{kind}/{slug}.png").status_code == 404


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_can_only_be_read(client, address):
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


@pytest.mark.parametrize(
    ("page", "picture"),
    [
        ("/", "/og/site.png"),
        ("/tools/", "/og/site.png"),
        ("/compare/", "/og/site.png"),
        ("/categories/developer-tools/", "/og/site.png"),
        ("/personas/builder/", "/og/site.png"),
        ("/methodology/", "/og/site.png"),
        ("/tools/alpha/", "/og/tools/alpha.png"),
        ("/compare/alpha-vs-beta/", "/og/compare/alpha-vs-beta.png"),
    ],
)
def test_every_page_says_how_to_show_a_link_to_it(client, site, settings, page, picture):
    tree = site.get(page).tree
    tags = {tag.get("property") or tag.get("name"): tag.get("content") for tag in tree.iter("meta")}
    assert tags["og:url"] == settings.SITE_URL + page
    assert tags["og:image"] == settings.SITE_URL + picture
    assert (tags["og:image:width"], tags["og:image:height"]) == ("1200", "630")
    assert tags["og:image:alt"]
    assert tags["og:title"] in tree.cssselect("title")[0].text
    assert tags["og:description"] == tags["description"]
    assert tags["og:type"] == "website"
    assert tags["twitter:card"] == "summary_large_image"
    assert client.get(picture).status_code == 200


def test_a_page_that_is_not_there_is_not_shared(site):
    page = site.get("/nope/", status=404)
    assert not page.tree.cssselect('meta[property^="og:"], link[rel=canonical]')
