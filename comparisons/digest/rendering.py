"""What an edition says, as HTML and as text: the part that mail and archive have in common."""

import hashlib
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import css_inline
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils import timezone

from tools.markdown import render_markdown
from tools.offering import xml_text

from . import plain
from .content import Content

#: So many items of each kind a mail shows at most; what is left out, it counts.
MOST = {
    "verdicts": 8,
    "reversals": 6,
    "prices": 8,
    "comparisons": 5,
    "contested": 1,
    "disagreements": 3,
}
#: So many bytes the HTML of a mail may have when it is encoded. Gmail cuts off what has more than
#: 102 KB, and with it the way to leave.
MOST_BYTES = 80_000
#: What of these remains when the mail's own parts are taken off.
MOST_BYTES_HERE = MOST_BYTES - 11_000

#: What the elements of an introduction are here. In a review headings start at h5, because a tool's
#: page has all others above them; and the dark mode needs classes.
_INTRO = {
    "h5": "h2",
    "h6": "h3",
    "a": 'a class="accent"',
    "blockquote": 'blockquote class="quote"',
    "pre": 'pre class="listing"',
    "th": 'th class="grid"',
    "td": 'td class="grid"',
    "hr": 'hr class="cut"',
}

_STYLES = Path(settings.BASE_DIR) / "templates" / "email" / "digest.css"
#: What a style attribute cannot say: the dark mode. The archive's page loads it as it is.
_MEDIA = Path(settings.BASE_DIR) / "static" / "css" / "edition.css"


@dataclass(frozen=True, slots=True)
class Rendering:
    """The same news twice."""

    html: str
    text: str

    @property
    def digest(self) -> str:
        """What `digest_of` says of it."""
        return digest_of(self.html, self.text)


def digest_of(html: str, text: str) -> str:
    """Return the SHA-256, in hexadecimal, of both together."""
    return hashlib.sha256(f"{html}\0{text}".encode()).hexdigest()


def render(edition: Any) -> Rendering:
    """Return what an edition says to those who chose no topics.

    The edition may be unsaved: only `week`, `intro` and `content` are read.
    """
    return _render(edition, Content.from_json(edition.content))


def rendering_for(edition: Any, topics: Sequence[int]) -> Rendering:
    """Return what an edition says to those who chose these topics.

    For all topics that is what was frozen, byte for byte, once the edition is approved.
    """
    if not topics and edition.html and edition.status != "draft":
        return Rendering(edition.html, edition.text)
    return _render(edition, Content.from_json(edition.content).for_topics(topics))


def check_size(rendering: Rendering) -> None:
    """Raise ValidationError, with a sentence for an editor, when a mail would be too long."""
    size = encoded_size(rendering.html)
    if size > MOST_BYTES_HERE:
        raise ValidationError(
            f"The mail would have {size // 1000} KB and {MOST_BYTES_HERE // 1000} are the most, "
            "because mail programs cut off longer ones: shorten the introduction.",
            code="size",
        )


def encoded_size(html: str) -> int:
    """Return how many bytes a text has as it goes over the wire."""
    return len(quopri.encodestring(html.encode()))


def _render(edition: Any, content: Content) -> Rendering:
    """Render as many items as fit. Names of 80 emoji are long when they are encoded."""
    intro = render_markdown(edition.intro)
    most = dict(MOST)
    while True:
        shown = content.first(most)
        html = _html(intro, shown)
        longest = max(most, key=lambda name: most[name])
        if encoded_size(html) <= MOST_BYTES_HERE or most[longest] == 1:
            return Rendering(html, _text(intro, shown))
        most[longest] -= 1


def _html(intro: str, content: Content) -> str:
    for inside, here in _INTRO.items():
        intro = re.sub(rf"<(/?){inside}\b", rf"<\1{here}", intro)
    intro = re.sub(r"</(\w+)[^>]*>", r"</\1>", re.sub(r"<div [^>]*>", "<div>", intro))
    context = _context(content) | {"intro": intro}
    return inlined(xml_text(render_to_string("email/edition.html", context)))


def _text(intro: str, content: Content) -> str:
    context = _context(content) | plain.HELPERS | {"intro": plain.plain(intro)}
    return plain.squeeze(xml_text(render_to_string("email/edition.txt", context)))


def _context(content: Content) -> dict[str, Any]:
    return {"content": content, "iso_day": date.fromisoformat}


def inlined(fragment: str) -> str:
    """Return a piece of HTML with its styles in attributes, on lines without indentation."""
    lines = (line.strip() for line in fragment.splitlines())
    return css_inline.inline_fragment(
        "\n".join(line for line in lines if line), styles(), minify_css=True
    )


@lru_cache(maxsize=1)
def styles() -> str:
    """Return the styles that are written into attributes."""
    return _STYLES.read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def media_styles() -> str:
    """Return the styles that a mail carries in its head, in few bytes."""
    css = re.sub(r"/\*.*?\*/", "", _MEDIA.read_text(encoding="utf-8"), flags=re.DOTALL)
    css = re.sub(r"\s*([{};:,])\s*", r"\1", re.sub(r"\s+", " ", css)).strip()
    # Two braces look like a template that was not filled in, to filters too.
    return css.replace("}}", "}\n}")


@lru_cache(maxsize=1)
def outlook_styles() -> str:
    """Return the dark mode once more for Outlook’s apps, which mark what they turn dark."""
    dark = media_styles().partition("(prefers-color-scheme:dark){")[2].partition("\n}")[0]
    rules = (rule.partition("{") for rule in dark.split("}") if rule)
    return "".join(
        ",".join(f"[data-ogsc] {one}" for one in selectors.split(",")) + "{" + style + "}"
        for selectors, _, style in rules
    )


def period_of(edition: Any) -> str:
    """Return from which day to which an edition tells, in few words: 19–26 Nov 2026."""
    first, last = (timezone.localdate(moment) for moment in (edition.since, edition.until))
    if first == last:
        return f"{last.day} {last:%b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {last.day} {last:%b %Y}"
    return f"{first.day} {first:%b %Y} – {last.day} {last:%b %Y}"
