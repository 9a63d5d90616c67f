"""CSV files as spreadsheets write and spoil them: written in pieces, and read line by line.

Either way a file of a million lines takes no more memory than one of ten.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

#: The longest line that is read, in bytes; nobody needs more.
LINE_MOST = 20_000
#: How many characters are handed out in one go, and about.
PIECE = 50_000

Tell = Callable[[str], None]
#: Passes lines or numbers on, of so many bytes or pieces in all if known, and may show how far that
#: has come.
Watch = Callable[[Iterable[Any], int | None, str], Iterable[Any]]

# A cell that a spreadsheet would take for a formula gets an apostrophe in front, as does one that
# begins with an apostrophe, so that none is lost on the way back.
_FORMULA = "=+-@\t\r＝＋－＠'"


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet computes."""
    return f"'{cell}" if cell[:1] and cell[0] in _FORMULA else cell


def unguarded(cell: str) -> str:
    """Return a cell as it was before `guarded`."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in _FORMULA else cell


# Out


def written(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return rows as CSV, a piece at a time; the first of them is the header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        if out.tell() > PIECE:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


# In


class RefusedError(Exception):
    """There are errors in a file, so many; all of them have been told, and nothing was written."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class Errors:
    """Tells every error in a file, and counts them."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.count = 0

    def __call__(self, problem: str) -> None:
        self.count += 1
        self._tell(problem)

    def refuse(self) -> None:
        """Raise RefusedError if there was any."""
        if self.count:
            raise RefusedError(self.count)


def unwatched(items: Iterable[Any], total: int | None, what: str) -> Iterable[Any]:
    """Pass items on where nobody watches."""
    return items


class _UnreadableError(Exception):
    """What follows cannot be read; its text says why."""


def physical_lines(file: BinaryIO) -> Iterator[bytes]:
    """Return the lines of a file, none of which may be endless."""
    while line := file.readline(LINE_MOST + 1):
        yield line


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """Return lines as text, with a mark (a lone surrogate) in the place of what is not UTF-8."""
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_MOST:
            raise _UnreadableError(f"it has more than {LINE_MOST:,} bytes")
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix("\ufeff") if number == 1 else text


def cells_of(
    lines: Iterable[bytes], columns: Sequence[str], optional: Sequence[str], tell: Tell
) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the lines of a file with their cells by column, and tell which cannot be read."""
    reader = csv.reader(_decoded(lines), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip().lower() for cell in cells]
                if problem := _wrong_header(header, columns, optional):
                    tell(f"line 1: {problem}")
                    return
            elif cells:
                named = dict(zip(header, (unguarded(cell).strip() for cell in cells), strict=False))
                if len(cells) != len(header):
                    tell(f"line {line}: {len(cells)} cells, where the header has {len(header)}")
                elif problem := _unprintable(named):
                    tell(f"line {line}: {problem}")
                else:
                    yield line, named
            line = reader.line_num + 1
    except (_UnreadableError, csv.Error) as error:
        tell(f"line {line}: cannot be read, nor what follows: {error}")
        return
    if header is None:
        tell(f"line 1: there is no header; it is {','.join(columns)}")


def _unprintable(cells: dict[str, str]) -> str:
    """Say which cells hold what is not to be looked at any closer."""
    problems = []
    for name, cell in cells.items():
        if not cell.isprintable():
            kind = "not UTF-8" if re.search("[\udc80-\udcff]", cell) else "control characters"
            problems.append(f"{name}: {kind}")
    return "; ".join(problems)


def _wrong_header(header: list[str], columns: Sequence[str], optional: Sequence[str]) -> str:
    if len(set(header)) == len(header) and set(columns) <= set(header) <= {*columns, *optional}:
        return ""
    perhaps = f" (and perhaps {','.join(optional)})" if optional else ""
    hint = ", separated by commas" if len(header) == 1 else ""
    return f"the header is not {','.join(columns)}{perhaps}{hint}"


def moment_of(text: str) -> datetime | None:
    """Return a date or a moment, in UTC where it does not say otherwise; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
