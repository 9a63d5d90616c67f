"""What every answer keeps to, whichever page it is."""

import pytest

from tests import cast

pytestmark = pytest.mark.django_db

PAGES = [
    "/",
    "/tools/",
    "/compare/",
    "/methodology/",
    "/privacy/",
    "/bookmarks/",
    "/personas/builder/",
    "/search/",
]


@pytest.fixture(autouse=True)
def catalog(db):
    cast.compare(cast.alpha(), cast.beta())


@pytest.fixture
def addresses():
    return [*PAGES, "/tools/alpha/", "/categories/developer-tools/", "/compare/alpha-vs-beta/"]


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(site, addresses):
    for address in [*addresses, "/nope/"]:
        answer = site.client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "connect-src 'self'" in policy


def test_no_page_has_inline_style_or_script_or_loads_from_another_host(site, addresses):
    for address in [*addresses]:
        tree = site.get(address).tree
        assert not tree.cssselect("style, [style]"), address
        inline = tree.cssselect("script:not([src])")
        assert {script.get("type") for script in inline} <= {"application/ld+json"}, address
        loaded = [
            element.get("src") or element.get("href")
            for element in tree.cssselect(
                "script[src], link[rel='stylesheet'], img, link[rel='icon']"
            )
        ]
        assert all(source.startswith("/static/") for source in loaded), address


def test_every_answer_carries_the_safety_headers(client, addresses):
    for address in [*addresses, "/nope/", "/healthz"]:
        headers = client.get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert "camera=()" in headers["Permissions-Policy"]


def test_no_page_sets_a_cookie_or_depends_on_one(client, addresses):
    for address in addresses:
        answer = client.get(address)
        assert not answer.cookies, address
        assert "Cookie" not in answer.get("Vary", ""), address


def test_every_page_has_one_heading_a_title_and_a_description_of_its_own(site, addresses):
    pages = [site.get(address) for address in addresses]
    assert all(len(page.all("h1")) == 1 for page in pages)
    titles = [page.one("title") for page in pages]
    descriptions = [
        page.tree.cssselect("meta[name=description]")[0].get("content") for page in pages
    ]
    assert len(set(titles)) == len(set(descriptions)) == len(pages)
    assert all(title.endswith(" · Ship or Skip") for title in titles)


def test_every_page_names_its_one_address(site, addresses, settings):
    for address in addresses:
        (link,) = site.get(address).tree.cssselect("link[rel=canonical]")
        assert link.get("href") == f"{settings.SITE_URL}{address}"


def test_every_link_of_the_site_works_and_none_is_redirected(client, site):
    seen, waiting = set(), ["/"]
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, f"{address} answers {answer.status_code}"
        if not answer["Content-Type"].startswith("text/html"):  # a twin or a feed
            continue
        links = site.get(address).links("a[href^='/'], a[href^='?']")
        links = [address.split("?")[0] + link if link.startswith("?") else link for link in links]
        waiting += {link.split("#")[0] for link in links} - seen - set(waiting)
    assert {"/compare/alpha-vs-beta/", "/personas/founder/", "/methodology/"} <= seen


@pytest.mark.parametrize("address", PAGES)
def test_pages_can_only_be_read(client, address):
    assert client.post(address).status_code == 405
    assert client.head(address).status_code == 200


def test_a_forged_host_is_refused_with_a_page_of_ours(client):
    answer = client.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert b"That request could not be read" in answer.content
    assert b"evil.example" not in answer.content


def test_a_form_from_another_site_is_refused_with_a_page_of_ours():
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
    assert answer.status_code == 403
    assert b"This form came from somewhere else" in answer.content


def test_a_fault_of_ours_is_a_page_of_ours(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("comparisons.views.Category", None)
    answer = client.get("/")
    assert answer.status_code == 500
    assert b"Something broke on our side" in answer.content


def test_healthz_answers_without_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_robots_keep_out_of_the_editors_rooms(client):
    assert b"Disallow: /admin/" in client.get("/robots.txt").content
