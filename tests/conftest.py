"""What every test may use."""

import re

import lxml.html
import pytest
from django.conf import settings
from django.core.cache import cache
from django.template import engines


def pytest_configure():
    # Tests serve static files as they are, without collecting and hashing them first.
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": plain}}
    # What a developer's .env names has no test database of its own.
    settings.REPLICAS = []
    # A test that writes and looks sees what it wrote, unless it is about pages that are kept.
    settings.PAGE_MAX_AGE = 0


@pytest.fixture(autouse=True, scope="session")
def _templates():
    # Templates keep the site's address, so they are there before a test may set another one.
    engines.all()


@pytest.fixture(autouse=True)
def _forget_cached_names():
    cache.clear()


@pytest.fixture
def site(client, db):
    """Ask for pages: `site.get("/tools/")` answers with the page, parsed."""
    return Site(client)


class Site:
    def __init__(self, client):
        self.client = client

    def get(self, address, status=200):
        answer = self.client.get(address)
        assert answer.status_code == status, f"{address} answers {answer.status_code}"
        return Page(answer)


class Page:
    def __init__(self, answer):
        self.answer = answer
        self.html = answer.content.decode()
        self.tree = lxml.html.fromstring(self.html)

    def all(self, selector):
        """Return the text of every element that fits, with single spaces."""
        return [squeeze(element.text_content()) for element in self.tree.cssselect(selector)]

    def one(self, selector):
        found = self.all(selector)
        assert len(found) == 1, f"{selector}: {found}"
        return found[0]

    @property
    def text(self):
        return squeeze(self.tree.cssselect("main")[0].text_content())

    def links(self, selector="main a"):
        return [element.get("href") for element in self.tree.cssselect(selector)]


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()
