"""The template environment of the site; Django's own engine serves only the admin."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from jinja2 import StrictUndefined, select_autoescape

from comparisons.digest import retention, tokens
from reviews.personas import Persona
from tools.pricing import describe_price, format_amount

from .static_files import stylesheets
from .templating import Constants, SiteEnvironment, remembered

#: What Markdown would take for a mark inside a line.
_MARKS = re.compile(r"([\\`*_\[\]<>|])")


def environment(**options: Any) -> SiteEnvironment:
    """Return the environment for Django's Jinja2 backend: strict, escaping, with few helpers."""
    options |= {
        "autoescape": select_autoescape(("html", "xml", "svg"), default=False),
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "extensions": [Constants],
    }
    env = SiteEnvironment(**options)
    env.constants = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "static": lru_cache(static),
        "url": url,
    }
    env.globals.update(
        **env.constants,
        stylesheets=stylesheets,
        **remembered(env, "macros/verdicts.html", "mark", "panel_strip", "sprite", "stamp"),
        personas=list(Persona),
        preview=None,  # a page that is shown before its time says until when
        # For the digest's part of pages below it, which do not know of it.
        digest_retention=retention,
        digest_confirm_age=tokens.CONFIRM_AGE,
    )
    env.filters.update(
        amount=format_amount,
        day=day,
        line=line,
        percent=percent,
        price=describe_price,
        span=span,
    )
    env.filters["zip"] = zip
    return env


@lru_cache(maxsize=4096)
def url(name: str, *args: str) -> str:
    """Return an address; they are the same for the life of the process, so each is made once."""
    return reverse(name, args=args)


def day(moment: date | datetime) -> str:
    """Return a date as readers see it: 21 Nov 2026."""
    return f"{moment.day} {moment:%b %Y}"


def span(length: timedelta) -> str:
    """Return a length of time in the largest unit that says it in whole numbers: 7 days."""
    minutes = int(length.total_seconds()) // 60
    units = (("day", 24 * 60), ("hour", 60), ("minute", 1))
    unit, size = next(found for found in units if minutes % found[1] == 0)
    count = minutes // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def line(text: object) -> str:
    """Return a text as one line of Markdown that says just what it says."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def percent(share: int | None) -> str:
    """Return a share in percent, or a dash for an unknown one."""
    return "—" if share is None else f"{share}%"
