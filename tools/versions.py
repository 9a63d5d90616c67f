"""What a page said before: versions as values and as words, and how two of them differ."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from django.db import models
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .status import Publishable

#: What a version holds that no form edits: a page is moved, and what it says is not touched.
MOVED = ("status", "published_at")
#: A word with the space before it: the smallest piece of a text that is marked as changed.
WORD = re.compile(r"\s*\S+|\s+")
EMPTY = "—"


def marked(before: str, after: str) -> SafeString:
    """Return a text as escaped HTML: what went stands in <del>, what came in <ins>, by words."""
    old, new = WORD.findall(before), WORD.findall(after)
    pieces: list[tuple[str, str]] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            pieces.append(("", "".join(new[new_from:new_to])))
            continue
        pieces.append(("del", "".join(old[old_from:old_to])))
        pieces.append(("ins", "".join(new[new_from:new_to])))
    return format_html_join(
        "",
        "{}",
        (
            (format_html(f"<{tag}>{{}}</{tag}>", text) if tag else text,)
            for tag, text in pieces
            if text
        ),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of two versions, as people read it."""

    label: str
    before: str
    after: str

    @property
    def html(self) -> SafeString:
        """What is said now, with the difference marked."""
        if EMPTY in (self.before, self.after) or len(WORD.findall(self.before)) == 1:
            return format_html("<del>{}</del> <ins>{}</ins>", self.before, self.after)
        return marked(self.before, self.after)


class Reading:
    """Reads the versions of one kind of page: its columns as values, and these as words."""

    def __init__(self, kind: type[Publishable]) -> None:
        self._kind = kind
        self._name = lru_cache(maxsize=None)(self._look_up)

    def values(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a version says, with values as the model has them and without its status."""
        return {
            field.attname: field.to_python(content[field.attname])
            for field in self._kind._meta.concrete_fields
            if field.attname in content and field.attname not in MOVED
        }

    def differences(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
        """Return the columns in which two versions (their values) differ."""
        return [
            Difference(
                self.label(column),
                self.words(column, before.get(column)),
                self.words(column, value),
            )
            for column, value in after.items()
            if value != before.get(column)
        ]

    def label(self, column: str) -> str:
        """Return what a column is called on the desk."""
        name = str(self._field(column).verbose_name)
        return name[:1].upper() + name[1:]

    def words(self, column: str, value: Any) -> str:
        """Return a value as people read it; a dash for nothing."""
        if value is None or value == "":
            return EMPTY
        field = self._field(column)
        if isinstance(field, models.ForeignKey):
            return str(self._name(field, value))
        return str(dict(field.flatchoices).get(value, value))

    def _field(self, column: str) -> Any:
        return self._kind._meta.get_field(column)

    def _look_up(self, field: Any, key: int) -> str:
        row = field.related_model._base_manager.filter(pk=key).first()
        return str(row) if row else "deleted since"


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in a history: how it differs from the one before, and whether it still holds."""

    version: Any
    differences: list[Difference]
    is_first: bool
    is_current: bool


def history(kind: type[Publishable], versions: Sequence[Any], newest: Any) -> list[Entry]:
    """Lay out a page's versions, given and returned newest first, with what each changed.

    The last one given is taken for the very first. `newest` is the version that holds, which may
    not be among them.
    """
    reading = Reading(kind)
    values = [reading.values(version.content) for version in versions]
    holds = reading.values(newest.content)
    return [
        Entry(
            version,
            reading.differences(before, said) if before is not None else [],
            is_first=before is None,
            is_current=said == holds,
        )
        for version, said, before in zip(versions, values, [*values[1:], None], strict=True)
    ]
