"""A document that an editor uploads: looked at first, kept meanwhile, applied as it was seen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from time import monotonic
from typing import Any, Literal

from django.db import transaction

from comparisons.models import Upload

from .changes import KINDS, Changes, plural
from .checking import Watch
from .importing import import_document
from .loading import parse

#: How many lines of each kind a dry run shows. The others are counted.
SHOWN = 50

#: How many errors are shown.
MOST_PROBLEMS = 200

#: How long a dry run may take, in seconds. Editors look at it, its rows are locked as long, and
#: proxies give up after a minute (nginx's proxy_read_timeout).
LOOKING = 20

#: How long applying may take, in seconds: as long as the dry run on a machine half as fast, and
#: still within the proxies' minute.
APPLYING = 45

Report = dict[str, Any]


class TooLongError(Exception):
    """The document needs more time than a page has."""


class DiffersError(Exception):
    """Somebody wrote meanwhile, so that the import would do something else than was seen."""


class Preview(Changes):
    """Changes with what a page shows of them, which is little however many there are."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
        self._everything = sha256()

    def note(self, kind: str, name: str, change: Literal["added", "changed"], words: str) -> None:
        super().note(kind, name, change, words)
        self._everything.update(repr((kind, name, change, words)).encode())
        lines = self._lines[change, kind]
        if len(lines) < SHOWN:
            lines.append([name, words])

    @property
    def report(self) -> Report:
        """What is kept as JSON: the groups to show, and a digest that tells any two apart.

        A group has its `title`, its first `lines` of a name and words each, and how many `more`
        there are.
        """
        return {
            "groups": [
                {
                    "title": f"{count:,} {plural(kind, count)} {verb}",
                    "lines": lines,
                    "more": f"{count - len(lines):,}" if count > len(lines) else "",
                }
                for change, verb in (("added", "to add"), ("changed", "to change"))
                for kind in KINDS
                if (count := self._counts[change, kind]) and (lines := self._lines[change, kind])
            ],
            "digest": self._everything.hexdigest(),
        }


def look_at(document: bytes, name: str, *, by: Any) -> Upload:
    """Return the upload with its dry run's report, unsaved. Nothing is written.

    Raises UnreadableError, RefusedError with at most MOST_PROBLEMS + 1 problems, TooLongError,
    DatabaseError when somebody else's writing came between, and PermissionDenied.
    """
    preview = Preview()
    _import(document, name, preview, by, LOOKING, dry_run=True)
    return Upload(user=by, name=name, document=document, report=preview.report)


def apply_upload(pk: int, *, by: Any) -> Changes:
    """Write what an upload of this user says, forget it, and return what that has changed.

    Raises what `look_at` does; Upload.DoesNotExist when it has been applied, has expired or is
    somebody else's; and DiffersError when its dry run would say something else by now. Then that
    is what the upload says from here on. Nothing is written in all these cases.
    """
    preview = Preview()
    try:
        with transaction.atomic():
            # A second click waits here for the first, and then finds nothing.
            upload = Upload.objects.usable_by(by).select_for_update().get(pk=pk)
            _import(bytes(upload.document), upload.name, preview, by, APPLYING)
            if preview.report != upload.report:
                raise DiffersError
            upload.delete()
    except DiffersError:
        Upload.objects.usable_by(by).filter(pk=pk).update(report=preview.report)
        raise
    return preview


def _import(
    data: bytes, name: str, preview: Preview, by: Any, seconds: int, dry_run: bool = False
) -> None:
    watch = _within(seconds)
    document = parse(data, f"“{name}”")
    import_document(
        document, preview, dry_run=dry_run, watch=watch, by=by, most_problems=MOST_PROBLEMS + 1
    )


def _within(seconds: int) -> Watch[Any]:
    """Return what passes items on until time is up, and raises TooLongError then."""
    end = monotonic() + seconds

    def watch(items: Sequence[Any], what: str) -> Iterable[Any]:
        return _until(end, items)

    return watch


def _until(end: float, items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if monotonic() > end:
            raise TooLongError
        yield item
