"""Reviews as the desk's forms hold them: one alone, and a tool's four side by side."""

from functools import cached_property
from typing import Any

from django import forms
from django.forms.formsets import INITIAL_FORM_COUNT, TOTAL_FORM_COUNT, ManagementForm

from tools.conflicts import VersionedForm
from tools.publishing import may, may_edit
from tools.status import Status

from .models import Review
from .personas import Persona
from .scorecards import Verdict
from .writing import Statement, record_reviews

#: What a form of a review asks for.
FIELDS = ["verdict", "score", "evidence", "reviewed_on", "body", "reason"]


class ReviewForm(VersionedForm):
    """A review. Changing what readers see of it asks for a reason of this change, for them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["reason"] = ""  # the last change's reason is not this one's

    def clean(self) -> dict[str, Any]:
        """Ask for the reason when verdict or score differ from what readers see."""
        cleaned = super().clean() or {}
        # The form has not been written into the instance yet.
        if self.instance.is_public and not cleaned.get("reason") and "reason" not in self.errors:
            changed = {"verdict", "score"} & set(self.changed_data)
            if changed:
                self.add_error("reason", f"Say why the {' and '.join(sorted(changed))} changed.")
        return cleaned

    def statement(self) -> Statement:
        """Return what the valid form says; a review that is new is a draft."""
        review = self.instance
        return Statement.of(review, status=None if review.pk else Status.DRAFT)


class PersonaForm(ReviewForm):
    """One persona's column on a tool's page. While nothing is said in it, there is no review."""

    #: Whether it is only to be read.
    locked = False

    verdict = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={"required": "Ship or skip? An argument needs its verdict."},
    )

    class Meta:
        model = Review
        fields = FIELDS
        widgets = {
            "score": forms.NumberInput(attrs={"min": 0, "max": 100}),
            "reviewed_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "reason": forms.TextInput,
        }
        help_texts = {"score": "0 to 100, or empty.", "body": ""}
        error_messages = {"body": {"required": "A verdict needs its argument."}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Columns that an editor left alone say what they were made from, whatever somebody else
        # has saved in them since; only what was changed here is written.
        if self.is_bound and (seen := self.seen_version()):
            said = {name: seen.content[name] for name in FIELDS if name in seen.content}
            self.initial.update(said)
        verdict: Any = self.fields["verdict"]
        verdict.choices = Verdict.choices if self.instance.pk else [("", "None"), *Verdict.choices]
        self.fields["body"].widget.attrs["rows"] = 12
        if not self.instance.pk:
            del self.fields["reason"]  # nothing changes
        for field in self.fields.values():
            field.show_hidden_initial = False  # a day that nobody touched says nothing

    @property
    def persona(self) -> Persona:
        """Whose column it is."""
        return Persona(self.instance.persona)

    def has_changed(self) -> bool:
        """Whether it says anything else than what stands; for a new one, anything at all.

        An empty column was sent before somebody else filled it, and says nothing of that.
        """
        if self.is_bound and not any(self[name].data for name in ("verdict", "score", "body")):
            return False
        said = set(self.changed_data) & set(FIELDS)
        return bool(said if self.instance.pk else said - {"evidence", "reviewed_on"})

    def lock(self) -> None:
        """Show it to read: whatever is sent for it is ignored."""
        self.locked = True
        for field in self.fields.values():
            field.disabled = True


class PanelFormSet(forms.BaseInlineFormSet):
    """A tool's four columns: always all of them, in the personas' order.

    Each is known by its persona, so a review that was written meanwhile changes no other's place.
    `user` decides which of them may be written (`tools.publishing.may_edit`).
    """

    user: Any = None

    @cached_property
    def management_form(self) -> Any:
        """How many forms there are, which no request decides."""
        counts = {
            f"{self.prefix}-{TOTAL_FORM_COUNT}": len(Persona),
            f"{self.prefix}-{INITIAL_FORM_COUNT}": 0,
        }
        form = ManagementForm(counts, prefix=self.prefix)
        form.full_clean()
        return form

    def total_form_count(self) -> int:
        return len(Persona)

    def initial_form_count(self) -> int:
        return 0

    def add_prefix(self, index: Any) -> str:
        name = list(Persona)[index].value if isinstance(index, int) else index
        return f"{self.prefix}-{name}"

    def add_fields(self, form: Any, index: int | None) -> None:
        """Add none: tool and persona are its place, which no field names."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        persona = list(Persona)[i]
        review = self._standing.get(persona.value)
        form: Any = self.form(
            self.data if self.is_bound else None,
            auto_id=self.auto_id,
            prefix=self.add_prefix(i),
            instance=review or Review(tool=self.instance, persona=persona),
            empty_permitted=True,
            use_required_attribute=False,
        )
        if not self._may_write(review):
            form.lock()
        return form

    def _may_write(self, review: Review | None) -> bool:
        if self.instance.pk and not may_edit(self.user, self.instance):
            return False
        return may_edit(self.user, review) if review else may(self.user, "add", Review)

    @cached_property
    def _standing(self) -> dict[str, Review]:
        return {review.persona: review for review in self.get_queryset()}

    def clean(self) -> None:
        """Look for no doubles: each persona has one place."""

    def save(self, commit: bool = True) -> list[Review]:
        """Write what changed as statements of the user; return these reviews."""
        changed: list[Any] = [form for form in self.forms if form.has_changed()]
        record_reviews([form.statement() for form in changed], by=self.user)
        # What the desk's log is told.
        self.new_objects = [form.instance for form in changed if form.instance.pk is None]
        self.changed_objects = [
            (form.instance, form.changed_data) for form in changed if form.instance.pk
        ]
        self.deleted_objects: list[Review] = []
        return [form.instance for form in changed]
