"""An edition in the archive: what stood in the mail, and nothing that a mail has beside it."""

import json
import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import pytest
from django.conf import settings
from django.utils import timezone

from comparisons.digest.archive_views import style_sources
from comparisons.digest.content import Content
from comparisons.digest.rendering import render
from tests import cast
from tests.digest.cast import edition

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown():
    """An edition that went out, with the html and the text that were frozen."""
    cast.compare(cast.alpha(), cast.beta())
    now = timezone.now()
    content = Content.since(now - timedelta(days=7), now, set()).to_json()
    draft = edition("2026-W48", "draft", content=content, intro="Hello **there**.")
    drawing = render(draft)
    draft.delete()
    return edition(
        "2026-W48", "done", "Alpha: Ship", content=content, html=drawing.html, text=drawing.text
    )


def test_it_holds_the_frozen_html_byte_for_byte(site, shown):
    assert shown.html in site.get("/digest/2026-w48/").html


def test_it_holds_nothing_that_is_only_for_recipients(site, shown):
    page = site.get("/digest/2026-w48/")
    assert "/digest/leave/" not in page.html
    assert "You get this because" not in page.html


def test_its_styles_are_allowed_one_by_one_and_no_others(site, shown):
    answer = site.get("/digest/2026-w48/").answer
    directives = dict(
        directive.strip().split(" ", 1)
        for directive in answer["Content-Security-Policy"].split(";")
    )
    allowed = directives["style-src-attr"].split()
    assert allowed[0] == "'unsafe-hashes'"
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert directives["style-src"] == "'self'"
    styles = set(re.findall(r'style="([^"]*)"', shown.html))
    assert set(allowed[1:]) == {
        f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" for style in styles
    }
    # What a proxy takes as the head of an answer by default has 4 KB (nginx, proxy_buffer_size).
    assert len(answer.serialize_headers()) < 4096


def test_styles_are_hashed_as_a_browser_reads_them():
    (_, code) = style_sources('<p style="font: &quot;A&quot; &amp; b">')
    digest = b64encode(sha256(b'font: "A" & b').digest()).decode()
    assert code == f"'sha256-{digest}'"
    assert style_sources("<p>") == ["'none'"]


def test_it_has_a_head_of_its_own(site, shown):
    page = site.get("/digest/2026-w48/")
    assert page.one("h1") == "Alpha: Ship"
    assert page.one("title") == "Alpha: Ship, 2026-W48 · Ship or Skip"
    (description,) = page.tree.xpath("//meta[@name='description']/@content")
    assert description.endswith("2 new verdicts, 1 new comparison.")
    address = f"{settings.SITE_URL}/digest/2026-w48/"
    assert page.links('link[rel="canonical"]') == [address]
    assert page.tree.xpath("//meta[@property='og:url']/@content") == [address]
    assert page.links('link[type="application/atom+xml"]') == ["/feeds/digest/"]
    (crumbs,) = (
        json.loads(script.text) for script in page.tree.cssselect('[type="application/ld+json"]')
    )
    assert [item["item"] for item in crumbs["itemListElement"]] == [
        f"{settings.SITE_URL}/digest/", address,
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["draft", "approved", "cancelled"])
def test_what_has_not_gone_out_is_a_404(site, status):
    edition("2026-W48", status)
    site.get("/digest/2026-w48/", status=404)
    site.get("/digest/2026-w48.txt", status=404)


@pytest.mark.parametrize("status", ["sending", "paused", "done"])
def test_what_goes_out_is_public_from_its_first_mail_on(site, status):
    edition("2026-W48", status)
    assert site.get("/digest/2026-w48/").one("h1") == "Two verdicts flipped"


@pytest.mark.parametrize("address", ["/digest/2026-W48/", "/digest/2026-w48", "/digest/2026-W48"])
def test_it_has_one_address(client, address):
    edition("2026-W48")
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (301, "/digest/2026-w48/")


@pytest.mark.parametrize(
    "week", ["2026-w49", "2026-w4", "2026-w480", "x", "%00", "2026-w４8", "x" * 3000, "' OR 1=1"]
)
def test_a_week_without_an_edition_is_a_404(client, week):
    edition("2026-W48")
    assert client.get(f"/digest/{week}/").status_code == 404
    assert client.get(f"/digest/{week}.txt").status_code == 404


def test_it_can_only_be_read(client):
    edition("2026-W48")
    assert client.post("/digest/2026-w48/").status_code == 405
    assert client.head("/digest/2026-w48/").status_code == 200


def test_it_leads_to_the_editions_around_it(site):
    for week in ("2026-W45", "2026-W46", "2026-W48"):
        edition(week)
    edition("2026-W47", "draft")
    page = site.get("/digest/2026-w46/")
    assert page.links(".pager a") == ["/digest/2026-w45/", "/digest/2026-w48/"]
    assert site.get("/digest/2026-w45/").links(".pager a") == ["/digest/2026-w46/"]
    assert site.get("/digest/2026-w48/").links(".pager a") == ["/digest/2026-w46/"]


def test_its_text_can_be_read_too(client, shown):
    answer = client.get("/digest/2026-w48.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode() == shown.text
    assert client.get("/digest/2026-W48.txt").status_code == 301


def test_a_hostile_subject_stays_a_subject(site):
    edition("2026-W48", subject='</title><script>alert("1")</script>')
    page = site.get("/digest/2026-w48/")
    assert page.one("h1") == '</title><script>alert("1")</script>'
    assert "<script>alert" not in page.html


def test_few_queries_make_it(client, shown, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        client.get("/digest/2026-w48/")
