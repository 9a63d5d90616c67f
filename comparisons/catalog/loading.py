"""Reading the document's JSON from a file, from standard input or from an upload."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STANDARD_INPUT = "-"


class UnreadableError(Exception):
    """What was given is no JSON document; its text is one sentence that says why and where."""


class RepeatedKeys(dict[str, Any]):
    """An object of the document in which a key stands more than once, so that none is to trust."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        uses = Counter(key for key, _ in pairs)
        self.repeated = [key for key in self if uses[key] > 1]


def load(source: str) -> Any:
    """Return what the file of that name, or standard input for `-`, holds.

    Objects with a repeated key come as `RepeatedKeys`, because only the check knows their place.
    Raises UnreadableError when there is no such file, or when it is not JSON in UTF-8.
    """
    with _explained("Standard input" if source == STANDARD_INPUT else source):
        # Neither the bytes nor the text outlive this call: the document is kept once.
        return json.loads(_decoded(_read(source)), object_pairs_hook=_object)


def parse(data: bytes, name: str) -> Any:
    """Return what these bytes hold, as `load` does; messages call them by `name`.

    Raises UnreadableError when they are not JSON in UTF-8.
    """
    with _explained(name):
        return json.loads(_decoded(data), object_pairs_hook=_object)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn everything that reading can fail with into an UnreadableError."""
    try:
        yield
    except OSError as error:
        raise UnreadableError(f"{name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        line, column = _position(error.object, error.start)
        raise UnreadableError(
            f"{name} is not UTF-8: byte 0x{error.object[error.start]:02x} "
            f"at line {line}, column {column}."
        ) from error
    except json.JSONDecodeError as error:
        raise UnreadableError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise UnreadableError(f"{name} is nested too deeply.") from error
    except ValueError as error:  # Python refuses to read thousands of digits
        raise UnreadableError(f"{name} holds a number that is too long to read.") from error


def _read(source: str) -> bytes:
    return sys.stdin.buffer.read() if source == STANDARD_INPUT else Path(source).read_bytes()


def _decoded(data: bytes) -> str:
    """Decode UTF-8; editors on Windows put a byte order mark before it."""
    return data.decode("utf-8-sig")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else RepeatedKeys(pairs)


def _position(data: bytes, offset: int) -> tuple[int, int]:
    """Return line and column of a byte, both counted from 1."""
    before = data[:offset]
    return before.count(b"\n") + 1, offset - before.rfind(b"\n")
