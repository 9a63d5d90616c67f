"""What an editor does with an edition beside writing it: each act, who may, and from which stage.

The acts themselves are in `editions`, which knows what is possible; here stands how they are asked
for. Each is a form that is sent to the edition's own page, so that a refusal stands beside it.
"""

import hashlib
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from comparisons.digest import editions, readiness
from comparisons.digest.messages import Letter
from comparisons.digest.models import MOVES, Edition, Stage
from tools.desk import MomentWidget

#: What may go wrong between us and a mail server: its answers, the network, a provider's refusal.
TROUBLES = (smtplib.SMTPException, OSError)
NO_ADDRESS = (
    "Your account has no email address that a mail can go to. An administrator enters one under "
    "Accounts, then the test can be sent."
)

REWORDED = (
    "Somebody changed the subject or the introduction since you looked. Look at it once more, then "
    "approve it."
)


class ActForm(forms.Form):
    """An act that needs nothing but being asked for."""


class ApproveForm(ActForm):
    """When an edition should start, and what its editor has looked at."""

    starts_at = forms.SplitDateTimeField(
        label="Starts at",
        required=False,
        widget=MomentWidget,
        help_text="Day and time, in UTC. Left empty, it starts as soon as it is approved.",
    )
    #: What its content was like (`rendering.digest_of`), and the editor's words (`mark_of`).
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)
    words = forms.CharField(max_length=16, widget=forms.HiddenInput)

    def clean_starts_at(self) -> Any:
        """Refuse a moment that has passed, beside its field."""
        moment = self.cleaned_data["starts_at"]
        if moment and moment <= timezone.now():
            raise ValidationError(
                "This moment has passed. Choose a later one, or leave it empty to start at once."
            )
        return moment


class PauseForm(ActForm):
    """Why an edition is paused, for the colleagues."""

    reason = forms.CharField(
        max_length=300,
        required=False,
        label="Why, for your colleagues; may be left out",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done with an edition."""

    name: str
    button: str
    #: What has happened then.
    done: str
    does: Callable[[Edition, Any, dict[str, Any]], str | None]
    #: Where it leads; None leaves the stage as it is.
    to: Stage | None = None
    #: From where it is done; empty means from wherever it may lead there.
    stages: tuple[Stage, ...] = ()
    permission: str = "digest.send_edition"
    form: type[ActForm] = ActForm
    #: What is asked before it is done, for what cannot be taken back.
    asks: Callable[[Edition], list[str]] | None = None

    def is_possible(self, edition: Edition) -> bool:
        """Whether the table of moves has it from where the edition stands."""
        stage = Stage(edition.status)
        is_move = self.to is None or self.to in MOVES[stage]
        return is_move and (not self.stages or stage in self.stages)

    def is_permitted(self, user: Any) -> bool:
        """Whether this user may."""
        return bool(user.has_perm(self.permission))


def mark_of(edition: Edition) -> str:
    """Return what tells one state of an editor's words from another."""
    return hashlib.sha256(f"{edition.subject}\0{edition.intro}".encode()).hexdigest()[:16]


def _approve(edition: Edition, user: Any, given: dict[str, Any]) -> str:
    refused = None
    with transaction.atomic():
        row = Edition.objects.select_for_update().get(pk=edition.pk)
        # `seen` is of the content, and the subject is none of it.
        if row.status == Stage.DRAFT and given["words"] != mark_of(row):
            raise ValidationError(REWORDED)
        try:
            editions.approve(edition, user.get_username(), given["starts_at"], given["seen"])
        except ValidationError as error:
            refused = error  # what was built again by it stays
    if refused:
        raise refused
    moment = edition.starts_at
    if given["starts_at"] is None or moment is None:
        return "is approved and starts now."
    return f"is approved and starts on {moment:%-d %b %Y, %H:%M} UTC."


def _test(edition: Edition, user: Any, given: dict[str, Any]) -> str:
    if not user.email:
        raise ValidationError(NO_ADDRESS)
    if lacks := readiness.lacks():
        raise ValidationError(lacks)
    try:
        mail = Letter.of(edition, ()).email_for(user.email, None)
    except ValueError as error:
        raise ValidationError(NO_ADDRESS) from error
    try:
        mail.send()
    except TROUBLES as error:
        # A server may say anything, at any length.
        raise ValidationError(f"The mail server did not take it: {str(error)[:300]}") from error
    if not readiness.is_configured():
        return "was kept as a test: without a mail server it stands under Kept mails."
    return f"is on its way to {user.email} as a test."


def _pause(edition: Edition, user: Any, given: dict[str, Any]) -> None:
    by = f"Paused by {user.get_username()}"
    editions.pause(edition, f"{by}: {given['reason']}" if given["reason"] else f"{by}.")


def _ask_start(edition: Edition) -> list[str]:
    return [
        "It goes out now, to everybody who is on the list at this moment, instead of waiting for "
        f"{edition.starts_at:%-d %b %Y, %H:%M} UTC.",
        "What it says was approved and is frozen. It can be paused and cancelled later, but what "
        "has been sent by then stays sent.",
    ]


def _ask_cancel(edition: Edition) -> list[str]:
    week = "There will be no other edition for this week. This cannot be undone."
    if edition.status in (Stage.DRAFT, Stage.APPROVED):
        return ["Nobody gets it. What it would have told, the next edition can tell.", week]
    counts = editions.progress(edition).counts
    return [
        f"{counts['sent']:,} of {edition.recipients:,} have been sent it; "
        f"{counts['pending']:,} will never get it.",
        "It leaves the archive, so the link in those mails to read it on the web leads nowhere "
        "from then on. What it tells, the next edition tells again.",
        "What is being sent at this moment may still go out. To stop for a while only, pause it.",
        week,
    ]


ACTS = (
    Act("approve", "Approve", "", _approve, Stage.APPROVED, form=ApproveForm),
    Act(
        "start", "Start now", "is being sent.",
        lambda edition, user, given: editions.start(edition),
        Stage.SENDING, stages=(Stage.APPROVED,), asks=_ask_start,
    ),
    Act(
        "unapprove", "Take back the approval", "is a draft again.",
        lambda edition, user, given: editions.unapprove(edition), Stage.DRAFT,
    ),
    Act("pause", "Pause", "is paused.", _pause, Stage.PAUSED, form=PauseForm),
    Act(
        "resume", "Go on sending", "is being sent on.",
        lambda edition, user, given: editions.resume(edition), Stage.SENDING,
        stages=(Stage.PAUSED,),
    ),
    Act(
        "test", "Send me a test", "", _test,
        stages=(Stage.DRAFT, Stage.APPROVED), permission="digest.change_edition",
    ),
    Act(
        "rebuild", "Build it again", "was built again from what is public now.",
        lambda edition, user, given: editions.rebuild(edition),
        stages=(Stage.DRAFT,), permission="digest.change_edition",
    ),
    Act(
        "cancel", "Cancel it", "is cancelled.",
        lambda edition, user, given: editions.cancel(edition), Stage.CANCELLED, asks=_ask_cancel,
    ),
)  # fmt: skip


def possible(edition: Edition, user: Any) -> list[Act]:
    """Return what this user may do with an edition where it stands."""
    return [act for act in ACTS if act.is_possible(edition) and act.is_permitted(user)]


def named(name: str) -> Act | None:
    """Return an act by its name."""
    return next((act for act in ACTS if act.name == name), None)
