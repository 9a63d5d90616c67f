"""Finding tools, comparisons, reviews and vendors in Postgres, the best first.

The columns that are searched are computed by Postgres (tools/migrations/0002_search.py). The text
search knows words, stems and beginnings of words; what it does not find for a typing error is
mended with the names that we have (comparisons/spelling.py).

A query looks at no more than MOST rows of a kind before it ranks them: without that limit, a word
that stands in every argument would cost a hundred milliseconds and help nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.text import slugify

from reviews.models import Review
from tools.models import Tool, Vendor
from tools.reading import reading_cursor
from tools.status import APPEARING

from .models import Comparison
from .questions import SHORT, Question, Side

#: How many rows of a kind are ranked and counted.
MOST = 200

# Each word as it stands in names and in prose; then the same for a column that has both, where the
# weights tell which is which (A a tool's name, B a vendor's; C, D prose).
TERMS = """
SELECT to_tsquery('simple', word.name)::text, to_tsquery('english', word.prose)::text,
       to_tsquery('simple', word.name || 'AB')::text,
       to_tsquery('english', word.prose || 'CD')::text
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS word (name, prose, position)
ORDER BY word.position
"""

# Many queries look where one telling word of each side stands, before they look at the others: one
# with a digit, or else the longest, which is rarely a frequent one.
TOOLS = """
WITH found AS (
    (SELECT id FROM tools_tool
     WHERE search_names @@ %(names)s::tsquery
       AND status = ANY(%(appearing)s) AND published_at <= %(at)s LIMIT %(most)s)
    UNION
    (SELECT tool.id FROM tools_vendor vendor JOIN tools_tool tool ON tool.vendor_id = vendor.id
     WHERE vendor.search @@ %(telling_name)s::tsquery
       AND (tool.search || vendor.search) @@ %(every)s::tsquery
       AND tool.status = ANY(%(appearing)s) AND tool.published_at <= %(at)s LIMIT %(most)s)
    UNION
    (SELECT id FROM tools_tool
     WHERE search @@ %(every)s::tsquery
       AND status = ANY(%(appearing)s) AND published_at <= %(at)s LIMIT %(most)s)
)
SELECT tool.id
FROM found
JOIN tools_tool tool ON tool.id = found.id
JOIN tools_vendor vendor ON vendor.id = tool.vendor_id
ORDER BY lower(tool.name) = lower(%(text)s) DESC,
         tool.search_names @@ %(names)s::tsquery DESC,
         starts_with(lower(tool.name), lower(%(text)s)) DESC,
         CASE WHEN tool.search_names @@ %(names)s::tsquery THEN length(tool.name) END,
         ts_rank(tool.search || vendor.search, %(every)s::tsquery) DESC,
         length(tool.name), tool.slug
LIMIT %(most)s
"""

# Where no tool has all words: those whose vendor has the missing ones.
SHARED = """
SELECT tool.id
FROM tools_tool tool JOIN tools_vendor vendor ON vendor.id = tool.vendor_id
WHERE tool.search_names @@ %(telling_name)s::tsquery
  AND vendor.search @@ %(any_name)s::tsquery
  AND (tool.search || vendor.search) @@ %(every)s::tsquery
  AND tool.status = ANY(%(appearing)s) AND tool.published_at <= %(at)s
ORDER BY ts_rank(tool.search || vendor.search, %(every)s::tsquery) DESC,
         length(tool.name), tool.slug
LIMIT %(most)s
"""

# A comparison has the words of both names and of its own text.
COMPARISONS = """
WITH named AS MATERIALIZED (
    SELECT id FROM tools_tool WHERE search_names @@ %(telling_name)s::tsquery
), candidate AS (
    SELECT id FROM comparisons_comparison WHERE left_id IN (SELECT id FROM named)
    UNION
    SELECT id FROM comparisons_comparison WHERE right_id IN (SELECT id FROM named)
    UNION
    (SELECT id FROM comparisons_comparison
     WHERE search @@ %(telling_prose)s::tsquery LIMIT %(most)s)
), found AS MATERIALIZED (
    SELECT comparison.id, comparison.published_at,
           lefty.search_names || righty.search_names || comparison.search AS search
    FROM candidate
    JOIN comparisons_comparison comparison ON comparison.id = candidate.id
    JOIN tools_tool lefty ON lefty.id = comparison.left_id
    JOIN tools_tool righty ON righty.id = comparison.right_id
    WHERE comparison.status = ANY(%(appearing)s) AND comparison.published_at <= %(at)s
      AND lefty.status = ANY(%(appearing)s) AND lefty.published_at <= %(at)s
      AND righty.status = ANY(%(appearing)s) AND righty.published_at <= %(at)s
)
SELECT id FROM found
WHERE search @@ %(every)s::tsquery
ORDER BY ts_rank(search, %(every)s::tsquery) DESC, published_at DESC, id DESC
LIMIT %(most)s
"""

REVIEWS = """
SELECT id FROM (
    SELECT review.id, review.search, review.reviewed_on
    FROM reviews_review review JOIN tools_tool tool ON tool.id = review.tool_id
    WHERE review.search @@ %(prose)s::tsquery
      AND review.status = ANY(%(appearing)s) AND review.published_at <= %(at)s
      AND tool.status = ANY(%(appearing)s) AND tool.published_at <= %(at)s
    LIMIT %(most)s
) found
ORDER BY ts_rank(search, %(prose)s::tsquery) DESC, reviewed_on DESC, id DESC
"""

VENDORS = """
SELECT id FROM tools_vendor vendor
WHERE search @@ %(names)s::tsquery
  AND EXISTS (SELECT FROM tools_tool tool WHERE tool.vendor_id = vendor.id
              AND tool.status = ANY(%(appearing)s) AND tool.published_at <= %(at)s)
ORDER BY lower(name) = lower(%(text)s) DESC, length(name), slug
LIMIT %(most)s
"""

# How clearly a text names a tool: by its slug, by its name, or by words of it.
NAMED = """
SELECT slug, name, CASE WHEN slug = %(slug)s THEN 2 WHEN lower(name) = lower(%(text)s) THEN 1
                        ELSE 0 END AS clearness
FROM tools_tool
WHERE search_names @@ %(names)s::tsquery AND status = ANY(%(appearing)s) AND published_at <= %(at)s
ORDER BY clearness DESC, length(name), slug
LIMIT 2
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """A question in the language of Postgres. Empty where no word of it can be searched for."""

    #: All words of a side, each in a name or in prose.
    every: str
    #: All words of a side, in names alone, and in prose alone.
    names: str
    prose: str
    #: Any of the words, in names.
    any_name: str
    #: One word of each side, in names and in prose.
    telling_name: str
    telling_prose: str

    @classmethod
    def of(cls, sides: Sequence[Side]) -> "Terms":
        """Ask Postgres for the lexemes of a question's words.

        Every word may be the beginning of a name, and the last one of any word, as it may not be
        typed to its end. A word like “the” counts only where there are no others.
        """
        words = [word for side in sides for word in side.words]
        names = [f"'{word}':{'*' if len(word) > SHORT else ''}" for word in words]
        prose = [f"'{word}':" for word in words]
        if words and len(words[-1]) > SHORT + 1:
            prose[-1] += "*"
        with reading_cursor() as cursor:
            cursor.execute(TERMS, [names, prose])
            lexemes = iter(cursor.fetchall())
        of_sides = [[next(lexemes) for _ in side.words] for side in sides]
        return cls._joined([[word for word in side if any(word)] for side in of_sides])

    @classmethod
    def _joined(cls, sides: list[list[tuple[str, str, str, str]]]) -> "Terms":
        every, names, prose, any_name, telling = [], [], [], [], []
        for side in filter(None, sides):
            counting = [word for word in side if word[1]] or side
            every.append(_all(_any(both) for _, _, *both in counting))
            names.append(_all(name for name, *_ in counting))
            prose.append(_all(stem for _, stem, *_ in counting))
            any_name += [name for name, *_ in counting]
            telling.append(max(counting, key=_tells))
        return cls(
            _any(every), _any(names), _any(prose), _any(any_name),
            _any(name for name, *_ in telling), _any(stem for _, stem, *_ in telling),
        )  # fmt: skip


def _tells(word: tuple[str, str, str, str]) -> tuple[bool, int]:
    return any(map(str.isdigit, word[0])), len(word[0])


def _all(parts: Iterable[str]) -> str:
    return " & ".join(f"({part})" for part in parts if part)


def _any(parts: Iterable[str]) -> str:
    return " | ".join(f"({part})" for part in parts if part)


@dataclass(frozen=True, slots=True)
class Found:
    """The rows that answer a question, by their keys, the best first; at most MOST of a kind."""

    question: Question
    terms: Terms
    tools: list[int]
    comparisons: list[int]
    reviews: list[int]
    vendors: list[int]

    def __bool__(self) -> bool:
        return bool(self.tools or self.comparisons or self.reviews or self.vendors)


def find(question: Question, at: datetime | None = None) -> Found:
    """Find what is public at a moment, now if none is given."""
    terms = Terms.of(question.sides)
    text = question.sides[0].text if len(question.sides) == 1 else question.text
    ask = _Asking(terms, text, at or timezone.now())
    tools = ask(TOOLS) or ask(SHARED)
    return Found(question, terms, tools, ask(COMPARISONS), ask(REVIEWS), ask(VENDORS))


class _Asking:
    """The queries of one search, which share their parameters."""

    def __init__(self, terms: Terms, text: str, at: datetime) -> None:
        self.parameters: dict[str, Any] = {
            "every": terms.every, "names": terms.names, "prose": terms.prose,
            "any_name": terms.any_name, "telling_name": terms.telling_name,
            "telling_prose": terms.telling_prose, "text": text, "slug": slugify(text),
            "appearing": list(APPEARING), "at": at, "most": MOST,
        }  # fmt: skip

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.parameters["every"]:
            return []
        with reading_cursor() as cursor:
            cursor.execute(sql, self.parameters)
            return cursor.fetchall()

    def __call__(self, sql: str) -> list[int]:
        return [row[0] for row in self.rows(sql)]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The tool that a side of “X vs Y” most likely means, and whether it can mean no other."""

    slug: str
    name: str
    is_clear: bool


def find_named(side: Side) -> NamedTool | None:
    """Return the public tool that a text names, None where no name has all of its words."""
    rows = _Asking(Terms.of([side]), side.text, timezone.now()).rows(NAMED)
    if not rows:
        return None
    slug, name, clearness = rows[0]
    return NamedTool(slug, name, len(rows) == 1 or clearness > rows[1][2])


def suggest(question: Question, limit: int) -> tuple[list[Any], list[Any]]:
    """Return the tools and comparisons to suggest while a question is typed, `limit` in all."""
    ask = _Asking(Terms.of(question.sides), question.text, timezone.now())
    tools = tools_of(ask(TOOLS)[:limit])
    rest = limit - len(tools)
    return tools, comparisons_of(ask(COMPARISONS)[:rest]) if rest else []


def tools_of(keys: Sequence[int]) -> list[Any]:
    """Fetch tools for rows of results, in the order of the keys."""
    return _in_order(keys, Tool.objects.select_related("category", "vendor", "panel"))


def comparisons_of(keys: Sequence[int]) -> list[Any]:
    """Fetch comparisons for rows of results, in the order of the keys."""
    return _in_order(keys, Comparison.objects.for_cards())


def reviews_of(keys: Sequence[int]) -> list[Any]:
    """Fetch reviews for rows of results, in the order of the keys."""
    return _in_order(keys, Review.objects.select_related("tool"))


def vendors_of(keys: Sequence[int]) -> list[Any]:
    """Fetch vendors with their public tools, in the order of the keys."""
    tools = Tool.objects.published().by_name().select_related("panel")
    return _in_order(keys, Vendor.objects.prefetch_related(Prefetch("tools", tools)))


def _in_order(keys: Sequence[int], rows: Any) -> list[Any]:
    found = rows.in_bulk(keys) if keys else {}
    return [found[key] for key in keys if key in found]
