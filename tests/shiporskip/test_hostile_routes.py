"""Thousands of random and hostile requests to every route: no fault of ours, no leak, no hang.

Requests reach the WSGI application as gunicorn hands them over, so they may hold what a test client
would never send. They are made by a generator with a fixed seed: a failure names the request, and
comes again. (A library such as Hypothesis would shrink it, at ten times the time for each.)
"""

# ruff: noqa: E501 (lists of oddities)

import contextlib
import io
import logging
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import URLPattern, get_resolver

from comparisons.digest.tokens import Purpose, token_for
from shiporskip.wsgi import Application
from tests import cast
from tests.digest.cast import subscriber
from tests.shiporskip.kept import page_cache_on  # noqa: F401 - a fixture

#: So many requests for each kind of visitor.
REQUESTS = 1500
#: A request that takes longer, in seconds, hangs. Nothing asked here takes a tenth of it.
HANGS = 5
SEEDS = {"a stranger": 1, "a subscriber": 2, "an editor": 3}

METHODS = ["GET"] * 40 + ["POST"] * 30 + ["HEAD"] * 5 + [
    "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY", "BREW", "X" * 200,
]  # fmt: skip
#: What stands in paths, queries, forms, cookies and headers, as bytes of a URL.
NASTY = [
    "", "0", "-1", "1", "99999999999999999999", "1e309", "nan", "inf", "0x10", "１２", "1_0", "+1",
    "%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%f0%9f%92%a9", "%F5%80%80%80", "%e2%80%ae",
    "%0d%0aSet-Cookie:%20x=1", "%0a", "%09", "%20", ".", "..", "%2e%2e%2f" * 8 + "etc%2fpasswd",
    "..%5c..%5cwin.ini", "%252e%252e%252f", "//evil.example", "%5c%5cevil.example", "https:evil",
    "'", "'%20OR%201=1--", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "%7B%7B7*7%7D%7D",
    "%25s%25n%25d", "{0.__class__}", "$(id)", "`id`", ";ls", "|id", "%26%26id",
    "javascript:alert(1)", "data:text/html,x", "x" * 300, "x" * 9000, "%41" * 2000, "é" * 500,
    "alpha", "alpha-vs-beta", "ALPHA", "alpha-vs-alpha", "-vs-" * 40, "a-vs-b-vs-c-vs-d-vs-e-vs-f",
    "developer-tools", "builder", "2026-w48", "2026-w99", "9999-w01", "0000-w00", "2026-W48.txt",
    "None", "null", "undefined", "true", "[]", "{}", "[object Object]", "__proto__", "con", "nul",
    "admin", "static", "%E2%84%AA", "ſ", "İ", "ß", "ﬀ", "\u0130" * 50, "%C0%AE", "&amp;", "&#0;",
    "a:b:c", "MQ:1abc:xyz", "a" * 60 + ":" + "b" * 10, ":::", "eyJhIjoxfQ:1w:x", "=", "?", "#",
]  # fmt: skip
#: Names that views read, and others.
NAMES = [
    "q", "page", "sort", "category", "vendor", "verdict", "price", "tool", "tools", "slugs", "rows",
    "left", "right", "a", "b", "t", "s", "choice", "back", "proof", "email", "topics", "token",
    "website", "source", "saved", "p", "o", "_changelist_filters", "_popup", "_to_field", "next",
    "e", "all", "id__in", "status__exact", "tool__slug", "password__startswith", "app_label",
    "model_name", "field_name", "term", "username", "csrfmiddlewaretoken", "_save", "action",
    "_selected_action", "index", "select_across", "slug", "name", "text", "document", "_version",
    "reviews-TOTAL_FORMS", "reviews-INITIAL_FORMS", "revisions-TOTAL_FORMS", "move-at_0", "_move",
    "published_at__gte", "p" * 300, "", "\x00", "%00", "a[b]", "a.b", "__class__",
]  # fmt: skip
TYPES = [
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json",
    "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300, "text/plain", "", "x",
    "application/x-www-form-urlencoded; charset=utf-16", "text/html; charset=rot13", "/", ";;;",
    "application/csp-report", "image/png",
    "application/x-www-form-urlencoded; charset=hex", "application/x-www-form-urlencoded;charset=é",
    "application/reports+json", "multipart/form-data; boundary=\"", "multipart/mixed; boundary=x",
    "application/x-www-form-urlencoded; charset=idna", "text/xml", "a/b; c=\"", "*/*",
]  # fmt: skip
BODIES = [
    b"", b"\x00", b"\xff\xfe\xfd" * 100, b"{", b"[" * 5000, b"null", b"a=b", b"&&&===", b"%",
    b"choice=ship", b"choice=%00", b"email=a%00@b.c&token=x", b"&".join([b"a=1"] * 1500),
    b"--x\r\n\r\n--x--", b"--x\r\nContent-Disposition: form-data; name=\"document\"; "
    b"filename=\"../../x\"\r\n\r\n{}\r\n--x--\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n",
    b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"!!!\r\n--x--", b"--x\r\n" + b"A: b\r\n" * 500 + b"\r\n\r\n--x--",
    b'{"csp-report": {"blocked-uri": "\\u0000", "effective-directive": "img-src"}}',
    b'[{"type": "csp-violation", "body": {"documentURL": "https://[", "blockedURL": 1}}]',
    "email=\u202e@ex\u00e4mple.org&topics=99999999999999999999&topics=x".encode(),
    b"a=" + b"x" * 20_000, b"back=//evil.example&choice=ship", b"back=/%0d%0aX:1&choice=skip",
]  # fmt: skip
HOSTS = ["testserver"] * 100 + [
    "evil.example", "", "testserver:99999", "testserver:x", "[::1]", "[::1", "127.0.0.1:80", "a b",
    "testserver/..", "\xff", "x" * 500, "testserver@evil.example", "..", "0",
]  # fmt: skip
HEADERS = {
    "HTTP_ACCEPT": ["*/*", "application/json", "text/html", "x", "", "a/b;q=x", ",,,", "\xff"],
    "HTTP_ACCEPT_ENCODING": ["gzip", "br", "identity;q=0", "*;q=0", "gzip;q=x", "\xff", "," * 500],
    "HTTP_IF_NONE_MATCH": ["*", '"x"', "x", 'W/"x', '"' * 99, "\xff"],
    "HTTP_IF_MODIFIED_SINCE": ["x", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 99999 99:99:99 GMT",
                               "-1", "Thu, 01 Jan 0000 00:00:00 GMT", "\xff"],
    "HTTP_RANGE": ["bytes=0-", "bytes=-1", "bytes=9-1", "bytes=" + "0-1," * 200, "x=1"],
    "HTTP_ORIGIN": ["http://testserver"] * 6 + ["null", "https://evil.example", "", "\xff", "http://["],
    "HTTP_SEC_FETCH_SITE": ["same-origin", "cross-site", "none", "x", "\xff"],
    "HTTP_REFERER": ["http://testserver/", "http://[", "javascript:x", "\xff", "x" * 5000],
    "HTTP_X_FORWARDED_FOR": ["1.2.3.4", "::1", "x", ",,,", "1.2.3.4, unknown", "\xff", "1" * 500],
    "HTTP_X_FORWARDED_PROTO": ["https", "http", "x", "https,http"],
    "HTTP_X_FORWARDED_HOST": ["evil.example"],
    "HTTP_X_REQUEST_ID": ["x" * 500, "\n", "\xff", "abcdefgh"],
    "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE"],
    "HTTP_USER_AGENT": ["", "\xff", "x" * 9000, "Mozilla/5.0 (compatible; Googlebot/2.1)"],
    "HTTP_AUTHORIZATION": ["Basic eDp5", "Basic !!!", "Bearer x", "\xff", "Basic " + "A" * 3000],
    "HTTP_EXPECT": ["100-continue"],
    "HTTP_COOKIE": ["voter=x", "fresh=1", "sessionid=x", "sessionid=" + "x" * 3000, "\xff=\xff", "=;=;",
                    "voter=a:b:c", "messages=x", "csrftoken=\xff", '$Version=1; a="\\', ";" * 999],
    "HTTP_X_REQUESTED_WITH": ["XMLHttpRequest"],
    "REMOTE_ADDR": ["203.0.113.7", "::ffff:1.2.3.4", "", "unknown", "2001:db8::1%eth0"],
}  # fmt: skip

#: What no answer may tell: paths of ours, versions of programs, and the insides of Python.
LEAKS = re.compile(
    rb"Traceback \(most recent call last\)|File \"/|site-packages|/home/|/usr/lib/|"
    rb"Django/|Python/\d|gunicorn/\d|psycopg|PostgreSQL \d|django\.(core|db|http)|"
    rb"DATABASE_URL|SECRET_KEY\b.{0,3}=|root:x:0:0|<built-in|object at 0x[0-9a-f]{6}"
)


@dataclass
class Asked:
    """A request, as it can be told and repeated."""

    method: str
    path: str
    query: str
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def environ(self):
        path = unquote_to_bytes(self.path)
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.decode("latin-1"),
            "RAW_URI": self.path,
            "QUERY_STRING": self.query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "203.0.113.7",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(self.body)),
            **self.headers,
        }


def routes():
    """Every route of the site as a list of its fixed parts, between which arguments go."""
    found = []

    def walk(patterns, before):
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                parts = re.split(r"<[^>]+>|\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", route)
                found.append([re.sub(r"[\^$\\]", "", part) for part in parts])
            else:
                walk(pattern.url_patterns, route)

    walk(get_resolver().url_patterns, "/")
    return found


class Generator:
    """Makes requests; the same ones for the same seed."""

    def __init__(self, seed, known=(), cookie="", form=""):
        self.random = random.Random(seed)
        # Whoever logs out sees nothing of the desk after that.
        every = [route for route in routes() if "logout" not in route[0]]
        rooms = [route for route in every if route[0].startswith("/admin/")]
        others = [route for route in every if route not in rooms]
        # Strangers see the same of all rooms at the desk.
        self.routes = [*others, *others, *rooms] if form else [*others, *rooms[::8]]
        #: Arguments that exist, which lead further into a view than nonsense does.
        self.known = list(known)
        #: What a browser of theirs adds to requests, and to forms.
        self.cookie, self.form = cookie, form

    def argument(self):
        if self.known and self.random.random() < 0.4:
            return self.random.choice(self.known)
        nasty = self.random.choice(NASTY)
        if self.random.random() < 0.15:
            nasty = "".join(f"%{self.random.randrange(256):02x}" for _ in range(12))
        return nasty

    def path(self):
        route = self.random.choice(self.routes)
        path = self.argument().join(route) if len(route) < 3 else ""
        if not path:
            path = route[0] + "".join(self.argument() + part for part in route[1:])
        turn = self.random.random()
        if turn < 0.05:
            path = path.rstrip("/")
        elif turn < 0.1:
            path += self.argument()
        elif turn < 0.13:
            path = "/" + path
        elif turn < 0.15:
            path = "/" + "/".join(self.argument() for _ in range(3))
        elif turn < 0.16:
            path = "/static/" + self.argument()
        return path or "/"

    def pairs(self, most):
        return "&".join(
            f"{self.random.choice(NAMES)}={self.argument()}"
            for _ in range(self.random.randrange(most))
        )

    def request(self):
        pick = self.random.choice
        asked = Asked(
            pick(METHODS), self.path(), self.pairs(5) if self.random.random() < 0.6 else ""
        )
        asked.query = quote(asked.query, safe="%&=[]{}()'\"!*:;@,/?$+-._~#|`<>\\^\x00")
        headers = {
            name: pick(values) for name, values in HEADERS.items() if self.random.random() < 0.15
        }
        headers["HTTP_HOST"] = pick(HOSTS)
        if asked.method not in ("GET", "HEAD"):
            if self.random.random() < 0.5:
                asked.body, kind = f"{self.form}{self.pairs(8)}".encode(), TYPES[0]
                headers.setdefault("HTTP_ORIGIN", "http://testserver")
            else:
                asked.body, kind = pick(BODIES), pick(TYPES)
            headers["CONTENT_TYPE"] = kind
        if self.cookie and self.random.random() < 0.9:
            headers["HTTP_COOKIE"] = self.cookie
        # As gunicorn hands headers over: bytes as Latin-1.
        asked.headers = {
            name: value.encode().decode("latin-1")
            if max(map(ord, value), default=0) > 255
            else value
            for name, value in headers.items()
        }
        return asked


@contextlib.contextmanager
def served():
    """The site as gunicorn gets it; only that no request closes the test's own connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def complaints():
    """What the log says of faults; nobody should find any."""

    class Kept(logging.Handler):
        lines = []

        def emit(self, record):
            self.lines.append(self.format(record))

    handler = Kept(logging.ERROR)
    handler.lines = []
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)


def answer(application, asked):
    """Return status, headers, body and time of an answer."""
    told = []

    def start_response(status, headers, exc_info=None):
        told.append((int(status.split()[0]), headers))

    began = time.monotonic()
    with contextlib.closing(application(asked.environ(), start_response)) as chunks:
        body = b"".join(chunks)
    [(status, headers)] = told
    return status, headers, body, time.monotonic() - began


def visitors(name):
    """What a kind of visitor knows, and what its browser adds to requests and to forms."""
    if name == "an editor":
        editor = User.objects.create_superuser("editor", password="x")
        client = Client()
        client.force_login(editor, "django.contrib.auth.backends.ModelBackend")
        client.get("/admin/")
        session = client.cookies["sessionid"].value
        keys = [str(cast.Tool.objects.values_list("pk", flat=True)[0]), "1", "2"]
        token = "t" * 32
        cookie = f"sessionid={session}; csrftoken={token}"
        return keys * 6, cookie, f"csrfmiddlewaretoken={token}&"
    if name == "a subscriber":
        one = subscriber()
        return ([quote(token_for(purpose, one.pk)) for purpose in Purpose] * 4,)
    return (["alpha", "beta", "alpha-vs-beta", "developer-tools", "builder"] * 4,)


@pytest.mark.django_db
@pytest.mark.usefixtures("page_cache_on")
@pytest.mark.parametrize("visitor", SEEDS)
def test_nothing_that_anybody_sends_is_a_fault_a_leak_or_a_hang(complaints, visitor):
    cast.compare(cast.alpha(), cast.beta())
    cast.gamma()
    generator = Generator(SEEDS[visitor], *visitors(visitor))
    statuses = Counter()
    with served() as application:
        for _ in range(REQUESTS):
            asked = generator.request()
            status, headers, body, took = answer(application, asked)
            statuses[status] += 1
            check(asked, status, dict(headers), body, complaints)
            assert took < HANGS, asked
    # The generator is worth something only if it gets everywhere.
    assert statuses[200] > REQUESTS / 20, statuses
    assert statuses.keys() >= {200, 400, 403, 404, 405}, statuses


def check(asked, status, headers, body, complaints):
    """Hold an answer against what every answer keeps to."""
    assert status < 500, (asked, complaints[-1:])
    assert not complaints, (asked, complaints[-1])
    assert not LEAKS.search(body), (asked, LEAKS.search(body))
    assert "X-Content-Type-Options" in headers, asked
    assert "Content-Security-Policy" in headers, asked
    assert not any("\n" in value or "\r" in value for value in headers.values()), asked
    if status == 405:
        assert headers["Allow"], asked
    if 300 <= status < 400 and status != 304:
        elsewhere = re.match(r"//|\\|/\\|https?://(?!testserver)", headers["Location"])
        assert not elsewhere, (asked, headers["Location"])


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["rot13", "hex", "utf-16", "idna", "nonsense", "undefined"])
def test_whatever_encoding_a_header_claims_a_request_is_read_as_utf_8(charset):
    headers = {"HTTP_HOST": "testserver", "CONTENT_TYPE": f"text/html; charset={charset}"}
    cast.alpha()
    with served() as application:
        asked = Asked("GET", "/search/", "q=%C3%A9alpha", headers)
        status, _, body, _ = answer(application, asked)
        assert status == 200
        assert "éalpha" in body.decode()
        headers["CONTENT_TYPE"] = f"application/x-www-form-urlencoded; charset={charset}"
        headers["HTTP_ORIGIN"] = "http://testserver"
        asked = Asked("POST", "/tools/alpha/vote/", "", headers, b"choice=ship")
        assert answer(application, asked)[0] == 303
