"""The site under gunicorn, as operators run it, and a reader who asks it."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from django.conf import settings

from .programs import PATIENCE, Program, free_port, needed, wait_for

PROJECT = settings.BASE_DIR
FORM = "application/x-www-form-urlencoded"
PASSWORD = "a long password for tests"


def environment(**variables):
    """The variables of a site of its own; an empty one is one that is not set."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    base = {
        "SECRET_KEY": "of-the-tests-" * 5,
        "DJANGO_SETTINGS_MODULE": "shiporskip.settings",
        "LOG_LEVEL": "INFO",
        "DEBUG": "",
        "WEB_CONCURRENCY": "1",
        "PYTHONUNBUFFERED": "1",
    }
    # An empty variable keeps that of a developer's .env out.
    quiet = dict.fromkeys(
        (
            "DATABASE_REPLICA_URL", "WORKER_DATABASE_URL", "DATABASE_POOLING", "CACHE_URL",
            "PREPARED_STATEMENTS", "EMAIL_URL", "PAGE_MAX_AGE", "SITE_URL", "PROXY_COUNT",
            "ADMIN_PATH",
        ),
        "",
    )  # fmt: skip
    return kept | quiet | base | variables


def manage(*words, given=None, **variables):
    """Run a command of the site, which has to succeed; return what it says."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=environment(**variables),
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


class Web(Program):
    """gunicorn with the site."""

    def __init__(self, folder, **variables):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        config = PROJECT / "shiporskip" / "gunicorn.conf.py"
        super().__init__(
            [sys.executable, "-m", "gunicorn", "--config", config, "shiporskip.wsgi"],
            folder / f"web-{self.port}.log",
            cwd=PROJECT,
            env=environment(PORT=str(self.port), **variables),
        )

    def start(self):
        super().start()
        self.wait_until(lambda: Reader(self).get("/healthz").status == 200)
        return self

    def pids(self):
        """The processes that serve."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(pid) for pid in listed.stdout.split()]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class Reader:
    """Somebody with a browser's cookies; redirects are not followed."""

    def __init__(self, web):
        self.web, self.cookies = web, CookieJar()
        self.opener = urllib.request.build_opener(
            _Stay, urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({})
        )

    def get(self, path, **headers):
        return self._ask(urllib.request.Request(self.web.address + path, headers=headers))

    def post(self, path, fields, **headers):
        data = urllib.parse.urlencode(fields, doseq=True).encode()
        headers = {"Origin": self.web.address, "Content-Type": FORM} | headers
        return self._ask(urllib.request.Request(self.web.address + path, data, headers))

    def _ask(self, request):
        try:
            answer = self.opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        except OSError:
            return Answer(0, {}, b"")
        with answer:
            return Answer(answer.status, answer.headers, answer.read())

    def cookie(self, name):
        return next((cookie.value for cookie in self.cookies if cookie.name == name), None)

    def log_in(self, name="editor", desk="/admin/"):
        """Log in at the desk."""
        page = self.get(f"{desk}login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        fields = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert self.post(f"{desk}login/?next={desk}", fields).status == 302

    def form(self, path):
        """The fields of a page's largest form, as a browser would send them back."""
        import lxml.html

        tree = lxml.html.fromstring(self.get(path).text)
        form = max(tree.forms, key=lambda form: len(form.fields.keys()))
        return dict(form.form_values())


def make_site(**variables):
    """Bring a database up to date, with the demo catalog and an editor who may do everything."""
    manage("migrate", "--verbosity", "0", **variables)
    manage("import_catalog", "fixtures/demo.json", **variables)
    account = {
        "ACCOUNT_NAME": "editor",
        "ACCOUNT_EMAIL": "editor@example.org",
        "ACCOUNT_PASSWORD": PASSWORD,
    }
    manage("make_account", **variables, **account)


__all__ = ["Answer", "Reader", "Web", "environment", "make_site", "manage", "needed", "wait_for"]
