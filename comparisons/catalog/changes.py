"""What an import adds and changes, told line by line and counted."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

KINDS = ("category", "vendor", "tool", "plan", "price", "review", "comparison")


class Changes:
    """Counts what was added and changed, and tells each as a line to whoever wants to know."""

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self._tell = tell
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, kind: str, name: str, change: Literal["added", "changed"], words: str) -> None:
        """Note one change of one row: `tool claude-4-opus: tagline changed`."""
        self._counts[change, kind] += 1
        if self._tell:
            self._tell(f"{kind} {name}: {words}")

    def summary(self, dry_run: bool = False) -> str:
        """Return the counts in words, a line for what was added and one for what was changed."""
        if not self._counts:
            return "Nothing to change."
        verbs = ("Would add", "Would change") if dry_run else ("Added", "Changed")
        lines = [
            f"{verb} {counted}."
            for verb, change in zip(verbs, ("added", "changed"), strict=True)
            if (counted := self._counted(change))
        ]
        return "\n".join([*lines, "Nothing was written."] if dry_run else lines)

    def _counted(self, change: str) -> str:
        counts = [(self._counts[change, kind], kind) for kind in KINDS]
        return ", ".join(f"{count} {plural(kind, count)}" for count, kind in counts if count)


def plural(kind: str, count: int) -> str:
    """Return the word for so many rows of a kind: `categories` for 2 of `category`."""
    if count == 1:
        return kind
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
