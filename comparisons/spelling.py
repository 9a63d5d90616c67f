"""Mending typing errors with the names that we have, on any Postgres."""

from django.core.cache import cache
from rapidfuzz import fuzz, process

from tools.addresses import NAMES_MAX_AGE, published_names
from tools.models import Vendor
from tools.status import is_published

from .questions import Question, Side

#: How alike (0 to 100, rapidfuzz's ratio) a word of a name must be to stand for another.
WORD_LIKENESS = 74
#: Shorter words are too often like another one by chance.
SHORTEST = 3


def corrected(question: Question) -> Question | None:
    """Return the question with the nearest words of names for unknown ones; None if none is near.

    A word with which a name's word begins is known: it may not be typed to its end.
    """
    known = _words()
    better = {}
    for word in question.words:
        if len(word) < SHORTEST or word.isdigit() or any(name.startswith(word) for name in known):
            continue
        nearest = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=WORD_LIKENESS)
        if nearest:
            better[word] = nearest[0]
    return question.replaced(better) if better else None


def _words() -> list[str]:
    """Return every word of a tool's or a vendor's name."""
    return cache.get_or_set("search.words", _collect, NAMES_MAX_AGE)  # type: ignore[return-value]  # never None


def _collect() -> list[str]:
    vendors = Vendor.objects.filter(is_published(prefix="tools__")).values_list("name", flat=True)
    names = [*published_names().values(), *vendors]
    return sorted({word for name in names for word in Side.read(name).words})
