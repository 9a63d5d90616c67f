"""What other people's pages show of ours: the badge and the card."""

import lxml.html
import pytest
from lxml import etree

from tests import cast

pytestmark = pytest.mark.django_db

CARD = "/embed/alpha-vs-beta/"


def badge(client, slug, status=200):
    answer = client.get(f"/badge/{slug}.svg")
    assert answer.status_code == status
    return answer


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [("ship ship ship skip", "SHIP"), ("skip skip skip ship", "SKIP"),
     ("ship ship skip skip", "SPLIT"), ("ship - - skip", "PENDING"), ("- - - -", "PENDING")],
)  # fmt: skip
def test_a_badge_says_the_verdict_as_text(client, verdicts, word):
    cast.review(cast.make_tool("tool"), verdicts)
    answer = badge(client, "tool")
    assert answer["Content-Type"] == "image/svg+xml; charset=utf-8"
    tree = etree.fromstring(answer.content)
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [text.text for text in tree.iter("{*}text")]
    assert texts == ["Ship or Skip", word]
    assert tree.findtext("{*}title").startswith(f"Tool: {word.capitalize()} on Ship or Skip. Panel")
    assert tree.get("aria-label") == tree.findtext("{*}title")
    assert not list(tree.iter("{*}script", "{*}style"))


def test_any_page_may_show_a_badge_and_a_cache_may_keep_it(client, django_assert_num_queries):
    cast.alpha()
    with django_assert_num_queries(1):
        answer = badge(client, "alpha")
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "public" in answer["Cache-Control"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    again = client.get("/badge/alpha.svg", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304
    assert client.post("/badge/alpha.svg").status_code == 405
    assert client.get("/badge/ALPHA.svg")["Location"] == "/badge/alpha.svg"


@pytest.mark.parametrize("slug", ["draft", "nope", "<b>", "x" * 3000, "' OR 1=1"])
def test_a_badge_for_a_draft_or_for_nothing_is_a_404_in_words(client, slug):
    cast.make_tool("draft", status="draft")
    answer = badge(client, slug, status=404)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().startswith("No published tool is called “")
    assert len(answer.content) < 200


def test_a_badge_holds_any_name(client):
    cast.make_tool("odd", name="<b>\x01 & \"quoted\" 'odd' شحن")
    title = etree.fromstring(badge(client, "odd").content).findtext("{*}title")
    assert title.startswith("<b> & \"quoted\" 'odd' شحن: Pending")


def test_the_card_shows_both_panels_and_leads_to_the_comparison(client, settings):
    cast.alpha(), cast.beta()
    tree = lxml.html.fromstring(client.get(CARD).content.decode())
    assert [h2.text_content().strip() for h2 in tree.cssselect("h2")] == ["Alpha", "Beta"]
    assert "Alpha wins on the panel" in tree.text_content()
    (link,) = tree.cssselect("a")
    assert link.get("href") == f"{settings.SITE_URL}/compare/alpha-vs-beta/"
    assert link.get("target") == "_blank"  # our pages refuse to stand in a frame
    assert not tree.cssselect("script, style, [style]")


def test_any_page_may_show_the_card_in_a_frame_and_no_index_lists_it(client):
    cast.alpha(), cast.beta()
    answer = client.get(CARD)
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors *" in policy
    assert "default-src 'none'" in policy
    assert "X-Frame-Options" not in answer
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["X-Robots-Tag"] == "noindex"
    assert not answer.cookies
    page = client.get("/compare/alpha-vs-beta/")
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


def test_the_card_has_one_address_and_can_only_be_read(client):
    cast.alpha(), cast.beta()
    for asked in ("/embed/beta-vs-alpha/", "/embed/ALPHA-vs-beta", "/embed/alpha-vs-beta"):
        assert client.get(asked)["Location"] == CARD
    assert client.post(CARD).status_code == 405


@pytest.mark.parametrize("slugs", ["alpha", "alpha-vs-nope", "alpha-vs-draft", "alpha-vs-alpha"])
def test_a_card_of_nothing_is_a_404(client, slugs):
    cast.alpha()
    cast.make_tool("draft", status="draft")
    assert client.get(f"/embed/{slugs}/").status_code == 404


def test_pages_offer_what_to_copy(client, site, settings):
    cast.make_tool("odd", name='<b> & "odd"')
    cast.alpha()
    html, markdown = site.get("/tools/odd/").tree.cssselect(".share textarea")
    image = lxml.html.fromstring(html.text).cssselect("img")[0]
    assert image.get("src") == f"{settings.SITE_URL}/badge/odd.svg"
    assert image.get("alt") == '<b> & "odd": the verdict on Ship or Skip'
    assert f"({settings.SITE_URL}/badge/odd.svg)" in markdown.text
    (card,) = site.get("/compare/alpha-vs-odd/").tree.cssselect(".share textarea")
    frame = lxml.html.fromstring(card.text)
    assert frame.get("src") == f"{settings.SITE_URL}/embed/alpha-vs-odd/"
    assert client.get("/embed/alpha-vs-odd/").status_code == 200
    assert all(area.get("readonly") is not None for area in (html, markdown, card))
