"""Addresses and texts that nobody should have written: a clear answer, never a 500."""

from urllib.parse import quote

import pytest

from tests import cast

pytestmark = pytest.mark.django_db

SLUGS = [
    "no-such-tool",
    "x" * 5000,
    "a-vs-b-vs-c-vs-d-vs-e",
    "-vs-",
    "alpha-vs-",
    "-vs-alpha",
    "alpha-vs",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "%00",
    "\x00",
    "\ud7ff\u202e🙂",
    "..%2f..%2fetc%2fpasswd",
    "日本語-vs-alpha",
]


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("room", ["compare", "tools", "categories", "personas"])
def test_a_hostile_slug_is_a_designed_404(site, room, slug):
    cast.alpha()
    page = site.get(f"/{room}/{quote(slug)}/", status=404)
    assert page.one("h1") == "Nothing at this address"
    assert "<script>alert" not in page.html


def test_a_name_in_a_404_is_cut_short(site):
    assert len(site.get(f"/tools/{'x' * 5000}/", status=404).text) < 400


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="JaVaScRiPt:alert(1)" onclick="alert(1)">x</a>',
        '<p style="position:fixed">x</p>',
        "<iframe src='https://example.org'></iframe>",
        "<svg onload=alert(1)>",
        "![x](https://example.org/pixel.gif)",
    ],
)
def test_hostile_markdown_is_harmless_on_the_page(site, body):
    alpha = cast.alpha()
    alpha.description = body
    alpha.save()
    page = site.get("/tools/alpha/")
    described = page.tree.cssselect(".tool-top .prose")[0]
    for element in described.iter():
        assert element.tag not in {"script", "iframe", "img", "svg", "style"}
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"]
        assert not element.get("href", "").lower().startswith(("javascript", "data"))


def test_a_huge_table_scrolls_in_a_box_that_the_keyboard_reaches(site):
    row = "|" + "x|" * 60
    alpha = cast.alpha()
    alpha.description = "\n".join([row, "|" + "-|" * 60, *[row] * 50])
    alpha.save()
    (box,) = site.get("/tools/alpha/").tree.cssselect(".prose-table")
    assert box.get("tabindex") == "0"


def test_headings_in_a_text_never_compete_with_the_page(site):
    alpha = cast.alpha()
    alpha.description = "# Loud\n\n<h1>Louder</h1>"
    alpha.save()
    assert site.get("/tools/alpha/").all("h1") == ["alpha".title()]


@pytest.mark.parametrize(
    "name",
    ["W" * 200, "x" * 199 + "🙂", "شحن أو تخطي", "<b>Bold</b> & “quoted”", "a\u202eb", "👩‍🚀" * 20],
)
def test_any_name_makes_a_page_that_holds_together(site, name):
    tool = cast.make_tool("odd", name=name)
    cast.review(tool, "ship ship ship ship")
    cast.compare(tool, cast.alpha())
    for address in ("/", "/tools/", "/tools/odd/", "/compare/", "/compare/odd-vs-alpha/"):
        page = site.get(address)
        assert "<b>Bold</b>" not in page.html
    assert name in page.one("h1")


def test_a_word_of_ten_thousand_characters_is_published_as_it_is(site):
    alpha = cast.alpha()
    alpha.description = "x" * 10_000
    alpha.save()
    cast.beta()
    assert "x" * 10_000 in site.get("/compare/alpha-vs-beta/").text
