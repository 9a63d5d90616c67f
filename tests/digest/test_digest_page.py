"""The page about the digest, with its archive, and the box below every other page."""

import pytest
from django.test import Client

from comparisons.digest.models import Stage
from tests.cast import alpha, beta, make_tool
from tests.digest import cast
from tools.previews import sign

pytestmark = pytest.mark.django_db


def test_it_says_what_the_digest_is_and_takes_sign_ups(site):
    for category in cast.two_categories():
        make_tool(f"of-{category.slug}", category=category)
    page = site.get("/digest/")
    assert page.one("h1") == "The weekly digest"
    [form] = page.tree.cssselect("main form")
    assert (form.get("method"), form.get("action")) == ("post", "/digest/sign-up/")
    assert page.all("fieldset label") == ["Agents", "Models"]
    assert "None has gone out yet" in page.text


def test_one_category_is_no_choice(site):
    alpha()
    assert not site.get("/digest/").all("fieldset")


def test_editions_that_went_out_are_listed_the_newest_first(site):
    cast.edition("2026-W45", subject="The <b>first</b>")
    cast.edition("2026-W46", subject="The second", status=Stage.SENDING)
    cast.edition("2026-W47", subject="A draft", status=Stage.DRAFT)
    cast.edition("2026-W48", subject="Cancelled", status=Stage.CANCELLED)
    page = site.get("/digest/")
    assert page.links("main .rows a") == ["/digest/2026-w46/", "/digest/2026-w45/"]
    assert page.all("main .rows bdi") == ["The second", "The <b>first</b>"]


def test_many_editions_have_pages_and_the_queries_do_not_grow(site, django_assert_num_queries):
    for week in range(1, 31):
        cast.edition(f"2026-W{week:02}")
    with django_assert_num_queries(3):
        first = site.get("/digest/")
    assert len(first.all("main .rows li")) == 24
    second = site.get("/digest/?page=2")
    assert len(second.all("main .rows li")) == 6
    assert second.one("title") != first.one("title")
    assert second.tree.cssselect("link[rel=canonical]")[0].get("href").endswith("/digest/?page=2")
    site.get("/digest/?page=3", status=404)
    for nonsense in ("0", "x", "-1", "%00", "9" * 99):
        assert site.get(f"/digest/?page={nonsense}").all("main .rows li") == first.all(
            "main .rows li"
        )


def test_only_reading_is_possible_there(client):
    assert client.post("/digest/").status_code == 405
    assert client.head("/digest/").status_code == 200


# The box


def public_pages():
    left, right = alpha(), beta()
    return [
        "/", "/tools/", f"/tools/{left.slug}/", "/categories/developer-tools/", "/compare/",
        f"/compare/{left.slug}-vs-{right.slug}/", "/search/?q=alpha", "/personas/builder/",
        "/bookmarks/", "/methodology/", "/corrections/", "/privacy/",
    ]  # fmt: skip


def test_every_public_page_has_the_box_once_and_sets_no_cookie(site):
    for address in public_pages():
        page = site.get(address)
        assert len(page.tree.cssselect("form[action='/digest/sign-up/']")) == 1, address
        assert not page.answer.cookies
        assert "/digest/" in page.links("footer a")


def test_a_page_is_the_same_for_everybody(client, site):
    for address in public_pages():
        browser = Client(headers={"Referer": "/x", "User-Agent": "other"}, REMOTE_ADDR="192.0.2.7")
        assert client.get(address).content == browser.get(address).content


def test_previews_and_error_pages_and_personal_pages_have_no_box(site):
    ada = cast.subscriber()
    previewed = f"/preview/tools/{sign(alpha())}/"
    for address, status in (
        (previewed, 200),
        ("/nothing/", 404),
        ("/tools/nothing/", 404),
        (cast.leave_page(ada), 200),
        (cast.preferences_page(ada), 200),
        (cast.confirm_page(ada), 200),
        ("/digest/asked/", 200),
    ):
        page = site.get(address, status)
        assert not page.tree.cssselect("form[action='/digest/sign-up/']"), address


def test_the_card_for_other_sites_has_no_box(client):
    alpha()
    beta()
    assert "sign-up" not in client.get("/embed/alpha-vs-beta/").content.decode()


def test_the_sitemap_lists_it(client):
    assert "/digest/</loc>" in client.get("/sitemap-pages.xml").content.decode()
