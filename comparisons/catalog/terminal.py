"""What the catalog's commands have in common: their output, their progress and their end."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError
from tqdm import tqdm


def progress(items: Sequence[Any], what: str) -> Iterable[Any]:
    """Pass the items on and show how far that has come, where somebody looks at a terminal."""
    return tqdm(items, what, file=sys.stderr, disable=None, leave=False, unit="")


def progress_of(items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
    """Do as `progress` for items that come one by one; of lines, `total` is their size in bytes."""
    with tqdm(
        total=total, desc=what, file=sys.stderr, disable=None, leave=False, unit="", unit_scale=True
    ) as bar:
        for item in items:
            yield item
            bar.update(len(item) if isinstance(item, bytes) else 1)


def print_pieces(out: OutputWrapper, pieces: Iterable[str]) -> None:
    """Print a document piece by piece, in UTF-8 whatever the terminal's language."""
    if out._out is sys.stdout and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for piece in pieces:
        out.write(piece, ending="")
    out.flush()


@contextmanager
def plain_ending(sorry: str) -> Iterator[None]:
    """End with a sentence instead of a traceback, whatever happens outside of the program.

    `sorry` says what has become of the work, such as “Nothing was written.”
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted. {sorry}", returncode=130) from None
    except DatabaseError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CommandError(f"The database refused it ({reason}). {sorry}") from error
    except BrokenPipeError:
        # Whoever reads has seen enough. Python would write the rest when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
