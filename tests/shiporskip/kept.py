"""The page cache as tests play with it."""

import pytest

from shiporskip import page_cache
from shiporskip.kept_pages import key_of
from tests import cast
from tools import views
from tools.models import Tool

#: A page that everybody may keep, and one with votes.
PAGE = "/tools/alpha/"
KEY = key_of(PAGE, "")


@pytest.fixture
def page_cache_on(settings, monkeypatch):
    """Keep pages for a minute. A process looks at the content's version when `look` is called."""
    settings.PAGE_MAX_AGE = 60
    monkeypatch.setattr(page_cache, "LOOK_EVERY", 3600)
    forget()
    yield
    forget()


@pytest.fixture
def alpha(db):
    return cast.alpha()


@pytest.fixture
def renderings(monkeypatch):
    """What the site itself was asked for, past the cache."""
    seen = []
    render = views.render

    def counted(request, template, *args, **kwargs):
        seen.append(request.path)
        return render(request, template, *args, **kwargs)

    monkeypatch.setattr(views, "render", counted)
    return seen


def rename(name="Alpha Two"):
    Tool.objects.filter(slug="alpha").update(name=name)


def forget():
    page_cache.memory.clear()
    page_cache.version.forget()


def look():
    """Do what time does: look at the content's version again."""
    page_cache.version._next_look = 0.0


def grow_older(seconds, address=PAGE):
    """Do what time does: let a kept page be older by so many seconds."""
    page = page_cache.memory.get(key_of(address, ""))
    page.made_at -= seconds
    return page


def said(answer):
    """The headers of an answer but the one that is each answer's own."""
    return {name: value for name, value in answer.items() if name != "X-Request-ID"}
