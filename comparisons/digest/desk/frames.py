"""A mail as it arrives, taken apart from its real bytes and shown in frames on the desk.

What stands in a frame is answered by an address of its own, under a policy of its own: sandboxed,
without scripts, with the inline styles that mails need and the desk refuses. Of the mail's html
nothing is changed but two things. Its links open outside the frame. And where it asks whether the
reader wants light or dark, the answer is fixed, so that both can be seen beside each other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from enum import Enum
from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django.http import HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin

#: For the document in a frame. The sandbox takes scripts, forms and the desk's cookies from it.
FRAMED = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}

_LIGHT_OR_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_SCHEMES = re.compile(r"(color-scheme\s*:\s*)(?:only\s+)?light\s+dark", re.IGNORECASE)
_META = re.compile(
    r"(<meta\s[^>]*name=[\"']?(?:supported-)?color-schemes?[\"']?[^>]*content=[\"'])[^\"']*",
    re.IGNORECASE,
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


class Look(Enum):
    """One way of looking at a mail."""

    LIGHT = "light"
    DARK = "dark"
    NARROW = "narrow"
    TEXT = "text"

    @property
    def title(self) -> str:
        """What stands above its frame."""
        return {
            Look.LIGHT: "Light",
            Look.DARK: "Dark",
            Look.NARROW: "On a phone, 320 px wide",
            Look.TEXT: "Text, for programs without html",
        }[self]


#: Their names in addresses.
LOOKS = frozenset(look.value for look in Look)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame on a page of the desk: how one looks at the mail in it, and where it is."""

    look: Look
    address: str

    @property
    def key(self) -> str:
        """Its name for the stylesheet."""
        return self.look.value

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.look.title


@dataclass(frozen=True, slots=True)
class Parts:
    """A mail, taken apart."""

    headers: list[tuple[str, str]]
    html: str
    text: str
    size: int

    @classmethod
    def of(cls, raw: bytes) -> "Parts":
        """Take a whole message apart; what it lacks is empty."""
        message: Any = message_from_bytes(raw, policy=policy.default)
        return cls(
            [(name, _header(name, value)) for name, value in message.raw_items()],
            _body(message, "html"),
            _body(message, "plain"),
            len(raw),
        )

    @property
    def looks(self) -> list[Look]:
        """The ways of looking at it that it has something for."""
        html = [Look.LIGHT, Look.DARK, Look.NARROW] if self.html else []
        return [*html, Look.TEXT] if self.text or not html else html

    def shown(self, look: Look) -> HttpResponse:
        """Answer with the document that stands in a frame."""
        if look == Look.TEXT:
            return HttpResponse(self.text, content_type="text/plain; charset=utf-8")
        return HttpResponse(in_light(self.html, is_dark=look == Look.DARK))


def in_light(html: str, *, is_dark: bool) -> str:
    """Return a mail's html as whoever wants light, or dark, gets to see it."""
    wanted = "dark" if is_dark else "light"

    def settle(found: re.Match[str]) -> str:
        # Both are media queries, so they fit wherever the question stood.
        return "(min-width: 0)" if found[1].lower() == wanted else "(max-width: 0)"

    html = _LIGHT_OR_DARK.sub(settle, html)
    html = _SCHEMES.sub(rf"\g<1>only {wanted}", html)
    html = _META.sub(rf"\g<1>{wanted}", html)
    base = '<base target="_blank">'
    html, heads = _HEAD.subn(lambda found: found[0] + base, html, count=1)
    return html if heads else base + html


def framed(view: Callable[..., HttpResponse]) -> Any:
    """Return a view whose answers may stand in a frame of the desk, and can do nothing there."""
    return xframe_options_sameorigin(csp(FRAMED)(view))


def framing(view: Callable[..., HttpResponse]) -> Any:
    """Return a view whose pages may have such frames in them."""
    return csp_update({"frame-src": [SELF]})(view)


def _header(name: str, raw: Any) -> str:
    try:
        return str(policy.default.header_fetch_parse(name, raw))
    except (AttributeError, LookupError, TypeError, ValueError):  # one that the library trips over
        return str(raw)


def _body(message: EmailMessage, kind: str) -> str:
    try:
        part = message.get_body((kind,))
        return _decoded(part) if part is not None else ""
    except (AttributeError, KeyError, ValueError):  # a structure that the library cannot follow
        return ""


def _decoded(part: Message) -> str:
    payload: Any = part.get_payload(decode=True)
    charset = part.get_content_charset("utf-8")
    try:
        return str((payload or b"").decode(charset, "replace"))
    except LookupError:  # a character set that nobody knows
        return str((payload or b"").decode("latin-1"))
