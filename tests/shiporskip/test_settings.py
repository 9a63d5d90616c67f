"""A wrong or missing setting stops the start with a sentence that says what to set."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

COMPLETE = {"SECRET_KEY": "x" * 60, "DEBUG": "", "SITE_URL": "", "DATABASE_URL": ""}


SHOW = (
    "import django; django.setup(); from django.conf import settings as s;"
    "print(s.SITE_URL, s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.ALLOWED_HOSTS)"
)


def start(code=SHOW, **environment):
    """Start Django with these variables alone; those of `.env` do not override what is set."""
    base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=base | {"DJANGO_SETTINGS_MODULE": "shiporskip.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("port", "address"), [("8001", ":8001"), ("", ":8000")])
def test_without_an_address_of_its_own_links_lead_to_the_port_that_is_served(port, address):
    assert start(**COMPLETE | {"PORT": port}).stdout.startswith(f"http://127.0.0.1{address} ")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set."),
        ({"SITE_URL": "example.org"}, "SITE_URL is 'example.org'; set it to the site’s address"),
        ({"SITE_URL": "https://example.org/blog"}, "without a path"),
        ({"DATABASE_URL": "sqlite:///db"}, "DATABASE_URL is not the address of a Postgres"),
        ({"SITE_URL": "https://[::1"}, "SITE_URL is 'https://[::1'"),
        ({"SITE_URL": "https://example.org:99999"}, "set it to the site’s address"),
        ({"SITE_URL": "https://example.org?x=1"}, "set it to the site’s address"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not the address of a Postgres"),
        ({"DATABASE_URL": "postgres://u:p@h:port/x"}, "DATABASE_URL is not the address"),
        ({"ADMIN_PATH": "desk"}, "ADMIN_PATH is 'desk'"),
        ({"ADMIN_PATH": "/desk/"}, "ADMIN_PATH is '/desk/'"),
        ({"ADMIN_PATH": "tools/"}, "that no page has"),
        ({"ADMIN_PATH": "static/desk/"}, "that no page has"),
        ({"CSP_REPORTS": "maybe"}, "CSP_REPORTS is 'maybe'"),
        ({"DATABASE_REPLICA_URL": "mysql://a/b"}, "DATABASE_REPLICA_URL is not the address"),
        ({"DATABASE_REPLICA_URL": "postgres://a/b,nonsense"}, "DATABASE_REPLICA_URL is not"),
        ({"DATABASE_REPLICA_LAG": "0"}, "DATABASE_REPLICA_LAG is '0'"),
        ({"WORKER_DATABASE_URL": "nonsense"}, "WORKER_DATABASE_URL is not the address"),
        ({"DATABASE_POOLING": "pgbouncer"}, "DATABASE_POOLING is 'pgbouncer'"),
        ({"LOG_LEVEL": "foo"}, "LOG_LEVEL is 'foo'"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT is 'xml'; set it to text or json."),
        ({"ACCESS_LOG": "some"}, "ACCESS_LOG is 'some'"),
        ({"METRICS_PORT": "65535"}, "METRICS_PORT is '65535'"),
        ({"SENTRY_DSN": "sentry"}, "SENTRY_DSN is not the address of a Sentry project"),
        ({"PROXY_COUNT": "-1"}, "PROXY_COUNT is '-1'"),
        ({"DEBUG": "perhaps"}, "DEBUG is 'perhaps'"),
        ({"PROXY_COUNT": "nginx"}, "PROXY_COUNT is 'nginx'"),
        ({"CACHE_URL": "memcached://localhost"}, "CACHE_URL is not the address of a Redis"),
        ({"PAGE_MAX_AGE": "-1"}, "PAGE_MAX_AGE is '-1'"),
    ],
)
def test_a_wrong_setting_says_what_to_set(wrong, sentence):
    run = start(**COMPLETE | {"SITE_URL": "http://localhost"} | wrong)
    assert run.returncode != 0
    assert sentence in run.stderr.splitlines()[-1]


def test_the_address_of_the_site_decides_about_safety():
    secure = start(**COMPLETE | {"SITE_URL": "https://example.org"}).stdout
    assert secure.startswith("https://example.org 31536000 True ['example.org'")
    plain = start(**COMPLETE | {"SITE_URL": "http://localhost:9000"}).stdout
    assert plain.startswith("http://localhost:9000 0 False ['localhost'")


def test_what_the_database_address_asks_for_is_kept():
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.DATABASES['default']['OPTIONS']['sslmode'])"
    )
    asked = {"DATABASE_URL": "postgres://u:p@h/x?sslmode=require"}
    assert start(code, **COMPLETE | asked).stdout.strip() == "require"


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_pages_are_shared_over_a_redis_or_a_valkey(scheme):
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.CACHES['pages']['LOCATION'])"
    )
    shown = start(code, **COMPLETE | {"CACHE_URL": f"{scheme}://127.0.0.1:6379/0"}).stdout
    assert shown.strip() == "redis://127.0.0.1:6379/0"


def test_a_pooler_gets_nothing_that_outlasts_a_transaction():
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "d = s.DATABASES['default'];"
        "print(d['DISABLE_SERVER_SIDE_CURSORS'], d['OPTIONS']['prepare_threshold'])"
    )
    database = {"DATABASE_URL": "postgres://u:p@h/x"}
    for more, said in (
        ({}, "False 2"),
        ({"DATABASE_POOLING": "true"}, "True None"),
        ({"DATABASE_POOLING": "true", "PREPARED_STATEMENTS": "true"}, "True 2"),
        ({"PREPARED_STATEMENTS": "false"}, "False None"),
    ):
        assert start(code, **COMPLETE | database | more).stdout.strip() == said


def test_every_replica_is_a_database_of_its_own():
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.REPLICAS, [s.DATABASES[name]['HOST'] for name in s.REPLICAS], s.DATABASE_ROUTERS)"
    )
    two = {"DATABASE_REPLICA_URL": "postgres://u:p@one/x, postgres://u:p@two/x"}
    said = start(code, **COMPLETE | two).stdout.strip()
    assert said == "['replica1', 'replica2'] ['one', 'two'] ['shiporskip.replicas.Router']"
    assert start(code, **COMPLETE | {"DATABASE_REPLICA_URL": ""}).stdout.strip() == "[] [] []"


def test_a_command_says_what_is_wrong_in_one_line_and_no_more():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={**os.environ, **COMPLETE, "SITE_URL": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: SITE_URL is 'nowhere'; set it to")
    assert done.stderr.count("\n") == 1
