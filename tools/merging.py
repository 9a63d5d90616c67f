"""Two editors at one row that keeps no versions: a form writes only what was changed in it."""

from copy import copy
from typing import Any

from django import forms


class MergingForm(forms.ModelForm):
    """A form that sends along what it showed, and leaves alone what nobody changed in it.

    Where somebody else has changed the same field meanwhile, it is refused once, with their value
    beside the field; saving again puts this one in its place. It is validated in the transaction
    that saves it, as the admin does, because that locks the row.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The names of the fields that are merged; a new row has nothing to merge with.
        self.merged = list(self.fields) if self.instance.pk else []
        for name in self.merged:
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        """Take what was not changed here from the row as it stands."""
        cleaned = super().clean() or {}
        if not self.merged or not self.has_changed():
            return cleaned
        rows: Any = type(self.instance)._base_manager
        row = rows.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if row is None:
            raise forms.ValidationError("Somebody else has deleted this meanwhile.")
        for name in self.merged:
            stored = self._read(name, row._meta.get_field(name).value_from_object(row))
            if name not in self.changed_data:
                cleaned[name] = stored
            elif name in cleaned and stored not in (cleaned[name], self._shown(name)):
                self._refuse(name, row, stored)
        return cleaned

    def _read(self, name: str, value: Any) -> Any:
        """Return a value as the field has it, or as it came where it is no valid one."""
        try:
            return self.fields[name].to_python(value)
        except forms.ValidationError:
            return value

    def _shown(self, name: str) -> Any:
        """Return what the field held when the form was made; nothing where that was not sent."""
        widget = self.fields[name].hidden_widget()
        sent = widget.value_from_datadict(self.data, self.files, self[name].html_initial_name)
        return self._read(name, sent)

    def _refuse(self, name: str, row: Any, stored: Any) -> None:
        """Say what somebody else has put there, and take it for seen from now on."""
        words = dict(row._meta.get_field(name).flatchoices).get(stored, stored)
        self.add_error(
            name,
            f"Somebody else has changed this meanwhile, to “{words}”. Yours is still in the field; "
            "saving again puts it in the place of theirs.",
        )
        data: Any = copy(self.data)
        data[self[name].html_initial_name] = stored
        self.data = data
