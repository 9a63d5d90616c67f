"""Forms that know the version they were made from, and do not silently save over a newer one."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models
from django.utils.safestring import SafeString

from .versions import Reading, marked


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

    def seen_version(self) -> Any:
        """Return the version that a sent form was made from; None where it does not say."""
        try:
            token = self.fields["version"].clean(self["version"].data)
        except forms.ValidationError:
            return None
        if token is None or not self.instance.pk:
            return None
        return self.instance.versions.filter(pk=token).first()

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
