"""What quality asks for safety's sake, on every kind of answer."""

import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests import cast

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Reporting-Endpoints": 'csp="/csp-reports/"',
}
#: An answer of each kind: how it is asked for, and its status.
KINDS = {
    "a page": ("get", "/tools/alpha/", 200),
    "its head": ("head", "/tools/alpha/", 200),
    "a page that is nowhere": ("get", "/nope/", 404),
    "a redirect": ("get", "/tools/alpha", 301),
    "a wrong method": ("put", "/tools/alpha/", 405),
    "options": ("options", "/tools/alpha/", 405),
    "a form from nowhere": ("post", "/tools/alpha/vote/", 403),
    "a body that is too large": ("huge", "/tools/alpha/vote/", 413),
    "a static file": ("get", "/static/css/tokens.css", 200),
    "a static file that is nowhere": ("get", "/static/nope.css", 404),
    "a static file by a wrong method": ("put", "/static/css/tokens.css", 405),
    "robots.txt": ("get", "/robots.txt", 200),
    "health": ("get", "/healthz", 200),
    "the icon": ("get", "/favicon.ico", 302),
    "the log-in": ("get", "/admin/login/", 200),
    "the desk, logged out": ("get", "/admin/", 302),
    "the desk by a wrong method": ("put", "/admin/", 405),
    "the desk, logged in": ("desk", "/admin/", 200),
    "a list at the desk": ("desk", "/admin/tools/tool/", 200),
    "a form at the desk": ("desk", "/admin/tools/tool/add/", 200),
    "nowhere at the desk": ("desk", "/admin/nope/", 404),
    "a report": ("report", "/csp-reports/", 204),
    "a forged host": ("forged", "/", 400),
    "a personal page": ("get", "/digest/leave/nonsense/", 404),
}


@pytest.fixture(autouse=True)
def catalog(db):
    cast.compare(cast.alpha(), cast.beta())


@pytest.fixture
def ask(client, admin_client, settings):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True

    def ask(how, path, **extra):
        if how == "desk":
            return admin_client.get(path, **extra)
        if how == "forged":
            return client.get(path, **extra | {"HTTP_HOST": "evil.example"})
        if how == "report":
            return client.post(path, "{}", content_type="application/csp-report", **extra)
        if how == "huge":
            return client.post(path, {"x": "x" * 2_000_000}, **extra)
        return getattr(client, how)(path, **extra)

    return ask


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_has_the_safety_headers(ask, kind):
    how, path, status = KINDS[kind]
    answer = ask(how, path)
    assert answer.status_code == status
    for name, value in ALWAYS.items():
        if name == "Referrer-Policy" and "digest/leave" in path:
            value = "no-referrer"
        assert answer.headers[name] == value, name
    policy = directives(answer)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["report-uri"] == "/csp-reports/"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "*" not in answer["Content-Security-Policy"]
    for feature in ("camera", "microphone", "geolocation", "payment", "usb"):
        assert f"{feature}=()" in answer["Permissions-Policy"]
    assert not {"Server", "X-Powered-By"} & answer.headers.keys()


def directives(answer):
    parts = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_only_what_is_made_for_other_sites_may_be_loaded_there(client):
    for path in ("/badge/alpha.svg", "/tools/alpha.json", "/tools/alpha.md", "/og/site.png"):
        assert client.get(path)["Cross-Origin-Resource-Policy"] == "cross-origin", path
    card = client.get("/embed/alpha-vs-beta/")
    assert directives(card)["frame-ancestors"] == "*"
    assert "X-Frame-Options" not in card
    assert directives(card)["default-src"] == "'none'"


def test_nobody_lists_the_desk(ask):
    for how, path in (("get", "/admin/login/"), ("desk", "/admin/"), ("desk", "/admin/nope/")):
        assert ask(how, path)["X-Robots-Tag"] == "noindex, nofollow"


# With https


@pytest.fixture
def secure():
    """Ask a site of its own, whose address is https, as a proxy does; returns what it answers."""
    code = """
import json, sys, django
django.setup()
from django.conf import settings
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage")
from django.test import Client
for path, host, proto in json.load(sys.stdin):
    extra = {"HTTP_X_FORWARDED_PROTO": proto} if proto else {}
    answer = Client(headers={"host": host}, raise_request_exception=False).get(path, **extra)
    print(json.dumps([answer.status_code, dict(answer.headers), {
        name: dict(morsel) for name, morsel in answer.cookies.items()}]))
"""

    def ask(*asked, **variables):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=project.BASE_DIR,
            env={
                "PATH": os.environ["PATH"],
                "DJANGO_SETTINGS_MODULE": "shiporskip.settings",
                "SECRET_KEY": "x" * 60,
                "SITE_URL": "https://example.org",
                "DEBUG": "",
                "LOG_LEVEL": "CRITICAL",
                **variables,
            },
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    return ask


def test_with_https_all_is_strict_and_what_comes_too_early_has_headers_too(secure):
    answers = secure(
        ["/healthz", "example.org", "https"],
        ["/robots.txt", "example.org", ""],
        ["/robots.txt", "evil.example", ""],
        ["/robots.txt", "evil.example", "https"],
        ["/admin/login/", "example.org", "https"],
    )
    assert [status for status, *_ in answers] == [200, 301, 400, 400, 200]
    for _, headers, _ in answers:
        assert headers.items() >= ALWAYS.items()
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "camera=()" in headers["Permissions-Policy"]
    (_, page, _), (_, redirect, _), (_, forged, _), _, (_, _, cookies) = answers
    assert page["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert redirect["Location"] == "https://example.org/robots.txt"
    assert "evil" not in str(forged)
    cookie = cookies["csrftoken"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert cookie["path"] == "/admin/"


# Cookies


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    User.objects.create_superuser("ana", password="a long walk by the sea")
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "ana", "password": "a long walk by the sea"})
    origin = {"HTTP_ORIGIN": "http://testserver"}
    client.post("/tools/alpha/vote/", "choice=ship", content_type=FORM, **origin)
    assert client.cookies.keys() >= {"sessionid", "csrftoken", "voter"}
    for name, cookie in client.cookies.items():
        assert cookie["httponly"], name
        assert cookie["secure"], name
        assert cookie["samesite"] in ("Lax", "Strict"), name
        assert not cookie["domain"], name


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "testserver.evil.example", "evil.example:80", "testserver@evil.example",
        "testserver:80@evil.example", "testserver/evil", "", "testserver:port", "[::1", "a b",
        "tést.example", "127.0.0.1.evil.example", "testserver\t", "..", "%00", "x" * 3000,
        "testserver, evil.example",
    ],
)  # fmt: skip
def test_a_host_that_is_not_ours_is_refused_and_never_repeated(client, host):
    answer = client.get("/compare/", HTTP_HOST=host)
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()
    assert b"That request could not be read" in answer.content


def test_hosts_that_proxies_add_are_not_believed(client):
    answer = client.get("/", HTTP_X_FORWARDED_HOST="evil.example", HTTP_X_HOST="evil.example")
    assert answer.status_code == 200
    assert "evil.example" not in answer.content.decode()
    for path in ("//evil.example/", "//evil.example", "/\\evil.example/", "///evil.example//"):
        answer = client.get(path)
        assert "evil" not in str(answer.headers.get("Location", "")), path


# Methods


def routes():
    """Every route of the site: its pattern, and an address that leads there."""
    found = []

    def walk(patterns, before):
        for pattern in patterns:
            if not isinstance(pattern, URLPattern):
                walk(pattern.url_patterns, before + str(pattern.pattern))
                continue
            route = before + str(pattern.pattern)
            address = re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", "1", route)
            found.append(re.sub(r"[\^$\\]", "", address))

    walk(get_resolver().url_patterns, "/")
    return found


def test_no_route_takes_a_method_that_it_does_not_know(admin_client):
    admin_client.raise_request_exception = False
    addresses = routes()
    assert len(addresses) > 150
    for address in addresses:
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY"):
            answer = admin_client.generic(method, address)
            # Where there is no such thing, nothing is said of methods.
            assert answer.status_code in (404, 405), f"{method} {address}"
            if answer.status_code == 405:
                allowed = set(answer["Allow"].split(", "))
                assert allowed <= {"GET", "HEAD", "POST"}, address
                assert allowed, address


def test_what_is_posted_is_not_got_and_the_other_way_round(client):
    for address in ("/tools/alpha/vote/", "/compare/alpha-vs-beta/vote/", "/csp-reports/"):
        answer = client.get(address)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
    for address in ("/", "/search/", "/digest/", "/feeds/prices/", "/readyz", "/bookmarks/"):
        answer = client.post(address)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_the_paths_that_the_desk_cannot_have_are_those_of_pages():
    taken = {address.split("/")[1] for address in routes()} - {"admin", ""}
    taken = {"sitemap.xml" if first.startswith("sitemap") else first for first in taken}
    assert taken | {"static"} == project.TAKEN_PATHS


# Bodies


def test_what_is_no_form_is_told_so_at_the_desk(admin_client):
    for kind in ("application/json", "text/xml", "application/octet-stream", "x", ""):
        answer = admin_client.post("/admin/tools/tool/add/", "{}", content_type=kind)
        assert answer.status_code == 415, kind
    assert admin_client.post("/admin/logout/", b"", content_type="").status_code == 200


def test_what_is_no_form_is_told_so_by_ballots_and_sign_ups(client):
    for address in ("/tools/alpha/vote/", "/compare/alpha-vs-beta/vote/", "/digest/sign-up/"):
        for kind in ("application/json", "multipart/form-data", "text/plain"):
            answer = client.post(address, "{}", content_type=kind, HTTP_ORIGIN="http://testserver")
            assert answer.status_code == 415, (address, kind)


def test_more_than_a_form_ever_has_is_too_much(admin_client):
    much = {"name": "x" * (project.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}
    for kind in ({}, {"content_type": FORM}):
        data = "name=" + much["name"] if kind else much
        assert admin_client.post("/admin/tools/tool/add/", data, **kind).status_code == 413
    many = "&".join(f"x{number}=1" for number in range(project.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    answer = admin_client.post("/admin/tools/tool/add/", many, content_type=FORM)
    assert answer.status_code == 400


# The desk at a path of its own


def test_the_desk_can_be_somewhere_else(secure):
    answers = secure(
        ["/admin/login/", "example.org", "https"],
        ["/desk-7f3a/login/", "example.org", "https"],
        ["/robots.txt", "example.org", "https"],
        ["/desk-7f3a/", "example.org", "https"],
        ADMIN_PATH="desk-7f3a/",
    )
    assert [status for status, *_ in answers] == [404, 200, 200, 302]
    _, (_, page, cookies), _, (_, away, _) = answers
    assert cookies["csrftoken"]["path"] == "/desk-7f3a/"
    assert away["Location"] == "/desk-7f3a/login/?next=/desk-7f3a/"
    assert page["X-Robots-Tag"] == "noindex, nofollow"


def test_no_template_or_script_of_ours_has_the_usual_path_written_into_it():
    found = subprocess.run(
        ["grep", "-rnE", "[\"'/( ]/admin/", "templates", "static", "shiporskip", "comparisons",
         "reviews", "tools", "--include=*.html", "--include=*.js", "--include=*.py"],
        cwd=project.BASE_DIR, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    allowed = ("shiporskip/settings.py", "shiporskip/views.py")
    assert [line for line in found if not line.startswith(allowed)] == []


def test_a_form_from_another_site_changes_nothing_at_the_desk(db):
    User.objects.create_superuser("ana", password="a long walk by the sea")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(), "django.contrib.auth.backends.ModelBackend")
    answer = strict.post(
        "/admin/tools/vendor/add/", {"slug": "x", "name": "X"}, HTTP_ORIGIN="https://evil.example"
    )
    assert answer.status_code == 403
