"""A real Chromium against a real server. Where there is no browser, these tests say so."""

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from playwright.sync_api import Error, sync_playwright

# Playwright's synchronous interface runs an event loop, which Django takes for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except Error as error:
            sentence = (
                "Browser tests need a Chromium: install Debian’s package `chromium`, "
                "or set CHROMIUM to the path of one."
            )
            if os.environ.get("REQUIRE_BROWSER"):
                pytest.fail(f"{sentence} {error}")
            pytest.skip(sentence)
        yield browser
        browser.close()


class Reader:
    """Somebody with a browser. Whatever it complains about is kept in `complaints`."""

    def __init__(self, chromium, server):
        self.chromium, self.server = chromium, server
        self.contexts, self.complaints = [], []

    def open(self, address, width=1280, height=800, **options):
        context = self.chromium.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        self.contexts.append(context)
        return self.visit(context.new_page(), address)

    def visit(self, page, address):
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)
        page.on("requestfailed", self._note_failure)
        page.goto(self.server.url + address)
        return page

    def _note_failure(self, request):
        if request.failure != "net::ERR_ABORTED":  # the page was left before it was answered
            self.complaints.append(f"{request.url}: {request.failure}")

    def _note(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture
def reader(chromium, live_server):
    reader = Reader(chromium, live_server)
    yield reader
    for context in reader.contexts:
        context.close()


@pytest.fixture
def demo(transactional_db):
    """The demo catalog, as `make run` loads it."""
    call_command("import_catalog", settings.BASE_DIR / "fixtures" / "demo.json", verbosity=0)
