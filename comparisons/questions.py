"""What a reader typed into the search box, made safe to ask Postgres for."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Self

#: Longest text that is searched for, in characters, and how many words of it.
MAX_LENGTH = 200
MAX_WORDS = 12
#: A word this short matches whole words only: “4” means four, not 42.
SHORT = 1

#: What readers put between two tools.
BETWEEN = re.compile(r"\s+(?:vs\.?|versus|or)\s+|-vs-", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things put against each other; where nothing is, the whole question."""

    text: str
    words: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Split a text into its words: whatever is neither letter, digit nor accent parts them."""
        parted = "".join(" " if unicodedata.category(sign)[0] in "PSZC" else sign for sign in text)
        words = [word for word in parted.lower().split() if any(map(str.isalnum, word))]
        return cls(text, tuple(dict.fromkeys(words)))


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched for: any of the sides, each with all of its words."""

    text: str
    sides: tuple[Side, ...]
    #: Whether more was typed than is searched for.
    is_cut: bool = False

    @classmethod
    def read(cls, typed: str) -> Self:
        """Read what was typed; control characters and broken letters count as spaces."""
        # Longer than anybody types, so that cleaning takes no time worth naming.
        start = unicodedata.normalize("NFC", typed[: 10 * MAX_LENGTH])
        clean = "".join(" " if unicodedata.category(s) in {"Cc", "Cs"} else s for s in start)
        whole = " ".join(clean.split())
        text = whole[:MAX_LENGTH].strip()
        sides: dict[tuple[str, ...], Side] = {}
        left = MAX_WORDS
        is_cut = len(whole) > MAX_LENGTH or len(typed) > 10 * MAX_LENGTH
        for side in map(Side.read, BETWEEN.split(text)):
            kept = side.words[:left]
            is_cut = is_cut or len(kept) < len(side.words)
            left -= len(kept)
            if kept:
                sides.setdefault(kept, Side(side.text.strip(), kept))
        return cls(text, tuple(sides.values()), is_cut)

    @property
    def words(self) -> list[str]:
        """The words of all sides, in order."""
        return [word for side in self.sides for word in side.words]

    def is_answered_by(self, name: str) -> bool:
        """Whether a name has all words of a side, at least their beginnings."""
        known = Side.read(name).words
        return any(
            all(any(part.startswith(word) for part in known) for word in side.words)
            for side in self.sides
        )

    def replaced(self, better: dict[str, str]) -> "Question":
        """Return the question with some words replaced."""
        sides = [tuple(better.get(word, word) for word in side.words) for side in self.sides]
        corrected = tuple(Side(" ".join(words), words) for words in sides)
        return Question(" or ".join(side.text for side in corrected), corrected)
