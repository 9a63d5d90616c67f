"""What a page said before: how two versions differ, and whether a form was made from an old one."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from django import forms
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


@dataclass(frozen=True, slots=True)
class Clash:
    """One column that somebody else has changed meanwhile, or that this form would change back."""

    label: str
    theirs: SafeString
    mine: SafeString


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody saved a newer version than the one that a form was made from."""

    version: Any
    clashes: list[Clash]


class VersionedForm(forms.ModelForm):
    """A form that knows the version it was made from, and does not silently save over a newer one.

    It is refused once, with both versions; whoever saves again has seen the other one, which stays
    in the history. Whoever calls `is_valid` holds a lock on the row until the form is saved (see
    `tools.history`), so that of two who save at once one is told.
    """

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    #: Set by `clean` where somebody else was quicker.
    conflict: Conflict | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and not self.is_bound:
            newest = self.instance.versions.last()
            # The row was read before: what was saved between the two has not been seen.
            if newest and self._shows(newest):
                self.initial["version"] = newest.pk

    def clean(self) -> dict[str, Any]:
        """Refuse to save over a newer version; the same form once more overwrites it."""
        cleaned = super().clean() or {}
        if self.instance.pk:
            self.conflict = self.newer_than(cleaned.get("version"))
        if self.conflict:
            self.add_error(
                None,
                "Somebody else has saved this meanwhile. Nothing of yours is lost: it is still in "
                "the form. Compare the two versions; saving again puts yours in the place of "
                "theirs, which stays in the history.",
            )
            data: Any = copy(self.data)
            data[self.add_prefix("version")] = str(self.conflict.version.pk)
            self.data = data
        return cleaned

    def newer_than(self, token: int | None) -> Conflict | None:
        """Return what was saved since the version that a form was made from, if it says else.

        `token` is that version's key, None where it is not known: then everything is newer. A page
        that was only moved since says the same as before, and so does one that somebody else made
        say what this form says.
        """
        newest = self.instance.versions.last()
        if newest is None or newest.pk == token:
            return None
        reading = Reading(type(self.instance))
        seen = self.instance.versions.filter(pk=token).first() if token else None
        base = reading.values(seen.content) if seen else {}
        theirs = reading.values(newest.content)
        if theirs == base:
            return None
        clashes = []
        for column, value in theirs.items():
            mine = self._entered(column)
            if mine == value:
                continue
            before = reading.words(column, base.get(column, value))
            clashes.append(
                Clash(
                    reading.label(column),
                    marked(before, reading.words(column, value)),
                    marked(before, reading.words(column, mine)),
                )
            )
        return Conflict(newest, clashes) if clashes else None

    def _shows(self, version: Any) -> bool:
        values = Reading(type(self.instance)).values(version.content)
        return all(getattr(self.instance, column) == value for column, value in values.items())

    def _entered(self, column: str) -> Any:
        """Return what the form says of a column, as entered where that is no valid value."""
        field = self.instance._meta.get_field(column)
        if field.name not in self.fields:
            return field.value_from_object(self.instance)
        if field.name not in self.cleaned_data:
            return self[field.name].value()
        value = self.cleaned_data[field.name]
        return value.pk if isinstance(value, models.Model) else value


class ReasonedForm(VersionedForm):
    """A versioned form that also asks why, for the history."""

    why = forms.CharField(
        max_length=300,
        required=False,
        help_text="Why it changes, for the history. May be left out.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
