"""HTML of ours as plain text: what a mail's text part says where its HTML has markup."""

import re
import textwrap
import unicodedata
from html.parser import HTMLParser
from typing import Any

#: Mail has had lines of that many characters since there were terminals (RFC 3676, 4.2).
WIDTH = 72
_BLOCKS = {"p", "div", "ul", "ol", "dl", "dt", "dd", "blockquote", "table", "tr", "h5", "h6"}


def isolated(name: str) -> str:
    """Return a name that turns nothing around it, even where it runs from right to left.

    Only such a name gets the two invisible characters that do it (Unicode 6.3, FSI and PDI).
    """
    turns = any(unicodedata.bidirectional(sign) in {"R", "AL", "AN"} for sign in name)
    return f"\u2068{name}\u2069" if turns else name


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """Return a paragraph in lines of at most WIDTH characters; a long word stays whole."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def plain(html: str) -> str:
    """Return sanitised HTML as paragraphs of plain text, with addresses on lines of their own."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Writes down what it is fed."""

    def __init__(self) -> None:
        super().__init__()
        #: Paragraphs, and whether one follows the other without a line between them.
        self.paragraphs: list[tuple[str, bool]] = []
        self.words = ""
        self.links: list[str] = []
        self.href = ""
        self.linked = ""
        self.lists: list[int | None] = []
        self.quotes = 0
        self.bullet = ""
        self.preformatted = False
        self.listed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS or tag in {"li", "pre", "hr"}:
            self._end()
        if tag in {"ul", "ol"}:
            self.lists.append(0 if tag == "ol" else None)
        elif tag == "li" and self.lists:
            number = self.lists[-1]
            if number is not None:
                self.lists[-1] = number + 1
            self.bullet = "- " if number is None else f"{number + 1}. "
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.preformatted = True
        elif tag == "hr":
            self.paragraphs.append(("* * *", False))
        elif tag == "br":
            self.words += "\n"
        elif tag in {"td", "th"} and self.words.strip():
            self.words += " | "
        elif tag == "a":
            self.href, self.linked = dict(attrs).get("href") or "", ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.href:
            shown = self.href.removeprefix("mailto:")
            if shown != self.linked.strip():
                self.links.append(shown)
            self.href = ""
        if tag in _BLOCKS or tag in {"li", "pre"}:
            self._end()
        if tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
        elif tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif tag == "pre":
            self.preformatted = False

    def handle_data(self, data: str) -> None:
        self.words += data if self.preformatted else re.sub(r"\s+", " ", data)
        self.linked += data

    def _end(self) -> None:
        """Finish a paragraph."""
        words, self.words = self.words, ""
        if not words.strip():
            return
        margin = "> " * self.quotes + "  " * max(0, len(self.lists) - 1)
        bullet, self.bullet = self.bullet, ""
        inner = margin + " " * len(bullet) if bullet or not self.lists else margin + "  "
        if self.preformatted:
            lines = [f"{margin}    {line}" for line in words.strip("\n").split("\n")]
        else:
            lines = []
            for part in words.split("\n"):
                if part.strip():
                    first = inner if lines else margin + bullet if bullet else inner
                    lines.append(wrap(part.strip(), inner, first))
        lines += [inner + link for link in self.links]
        self.links = []
        self.paragraphs.append(("\n".join(lines), bool(bullet) and self.listed))
        self.listed = bool(self.lists)

    def text(self) -> str:
        """Return everything that was read."""
        self._end()
        return "".join(
            ("\n" if tight else "\n\n") + text for text, tight in self.paragraphs
        ).removeprefix("\n\n")


def squeeze(text: str) -> str:
    """Return a text without spaces at the ends of lines and with single blank lines."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


#: What text templates need beside the site's own helpers.
HELPERS: dict[str, Any] = {"wrap": wrap, "isolated": isolated}
