"""The piece of a text that shows why it was found."""

from collections.abc import Sequence
from html import unescape

from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

from tools.reading import reading_cursor

#: Around the found words of a snippet until it is escaped; no text has them, they are taken out.
START, STOP = "\x02", "\x03"
#: How much of a text a snippet is cut from, and how long it gets, in characters.
SNIPPET_SOURCE, SNIPPET_LENGTH = 6000, 400
#: A text of up to so many characters is its own snippet.
SHORT_TEXT = 200
#: By how many characters a snippet is known to be the beginning or the end of its text.
EDGE = 40

SNIPPETS = """
SELECT ts_headline('english', text.plain, %s::tsquery,
                   CASE WHEN length(text.plain) <= %s THEN %s ELSE %s END)
FROM unnest(%s::text[]) WITH ORDINALITY AS text (plain, position)
ORDER BY text.position
"""
WHOLE = f"StartSel={START}, StopSel={STOP}, HighlightAll=true"
PIECES = (
    f"StartSel={START}, StopSel={STOP}, "
    'MaxFragments=2, MinWords=12, MaxWords=24, FragmentDelimiter=" … "'
)


def snippets(texts: Sequence[str], terms: str) -> list[SafeString]:
    """Return the telling piece of each piece of HTML, with the words of a tsquery in <mark>.

    The tags are taken out first, and what is left is escaped after the words were marked with
    characters that no text can have; so nothing of a text ever becomes a tag.
    """
    if not texts or not terms:
        return [SafeString() for _ in texts]
    plain = [_plain(text) for text in texts]
    with reading_cursor() as cursor:
        cursor.execute(SNIPPETS, [terms, SHORT_TEXT, WHOLE, PIECES, plain])
        headlines = [row[0] for row in cursor.fetchall()]
    return [_marked(*pair) for pair in zip(headlines, plain, strict=True)]


def _plain(text: str) -> str:
    spaced = text.replace("</", " </")  # the words of two paragraphs do not grow together
    bare = unescape(strip_tags(spaced)).replace(START, "").replace(STOP, "").replace("\0", "")
    return " ".join(bare.split())[:SNIPPET_SOURCE]


def _marked(headline: str, text: str) -> SafeString:
    if len(headline) > SNIPPET_LENGTH:
        headline = headline[:SNIPPET_LENGTH]
        if headline.count(START) > headline.count(STOP):
            headline += STOP
    bare = headline.replace(START, "").replace(STOP, "")
    before = "" if text.startswith(bare[:EDGE]) else "… "
    after = "" if text.endswith(bare[-EDGE:]) else " …"
    marked = escape(headline).replace(START, "<mark>").replace(STOP, "</mark>")
    return mark_safe(f"{before}{marked}{after}")  # noqa: S308 - escaped above
