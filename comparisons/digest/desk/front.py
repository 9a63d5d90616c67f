"""The digest on the desk's front page: what waits for a decision, and what is on its way."""

from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, OuterRef, Q, Subquery
from django.urls import reverse

from comparisons.desk.front import Line, Section, Whole
from comparisons.digest import editions, readiness, workers
from comparisons.digest.content import Content, told_by
from comparisons.digest.models import Delivery, DeliveryStatus, Edition, SignUp, Stage

#: Editions that somebody has to look after.
OPEN = (Stage.DRAFT, Stage.APPROVED, Stage.SENDING, Stage.PAUSED)
#: Unknown deliveries are told of the newest editions. Logs of mail servers do not reach further.
LOOKED_BACK = 8
#: An approved edition that has not started so long after its time will not by itself.
LATE = timedelta(minutes=2)
#: For so many seconds it is not asked again whether anything has changed this week.
KEPT = 300


def digest_section(user: Any, now: datetime) -> Section | None:
    """Return what there is to do for the digest; None for those who may not see editions."""
    if not user.has_perm("digest.view_edition"):
        return None
    week, slot = editions.next_slot(now)
    started = Edition.objects.filter(started_at__isnull=False).order_by("-week")
    wanted = Q(status__in=OPEN) | Q(week=week) | Q(pk__in=started.values("pk")[:LOOKED_BACK])
    rows: Any = Edition.objects.filter(wanted).annotate(unknown=_unknown()).order_by("week")
    rows = list(
        rows.only(
            "week", "subject", "status", "starts_at", "started_at", "recipients", "pause_reason"
        )
    )
    lines = [] if readiness.is_configured() else [_nowhere(user)]
    if lacks := readiness.lacks():
        lines.append(_held_back(lacks))
    if silence := workers.silence():
        lines.append(Line("No worker runs", _list(), note=silence))
    lines += [_of(edition, now) for edition in rows if edition.status in OPEN]
    lines += [_undecided(edition) for edition in rows if edition.unknown]
    if not any(edition.week == week for edition in rows):
        lines.append(_none_yet(week, slot, now))
    empty = f"The edition of {week} is out, and nothing waits for a decision."
    whole = Whole("All editions", _list())
    return Section("digest", "Weekly digest", empty, lines, [whole])


def _unknown() -> Subquery:
    unknown = Delivery.objects.filter(edition=OuterRef("pk"), status=DeliveryStatus.UNKNOWN)
    return Subquery(unknown.order_by().values("edition").annotate(count=Count("*")).values("count"))


def _nowhere(user: Any) -> Line:
    may_see = user.has_perm("digest.view_keptmail")
    name = "keptmail" if may_see else "edition"
    return Line(
        "Nothing is sent anywhere",
        reverse(f"admin:digest_{name}_changelist"),
        note="No mail server is set up, so every mail is kept under Kept mails instead.",
    )


def _held_back(lacks: list[str]) -> Line:
    waiting = SignUp.objects.filter(answered_at=None).count()
    wait = f" Sign-ups that wait for it: {waiting:,}." if waiting else ""
    return Line("No mail leaves yet", _list(), note=" ".join(lacks) + wait)


def _of(edition: Edition, now: datetime) -> Line:
    slot = edition.starts_at or editions.slot_of(edition.week)
    note = {
        Stage.DRAFT: "Waits for approval. It is due"
        if slot > now
        else "Waits for approval, and was due",
        Stage.APPROVED: "Approved, and was due. Is a worker running, or something missing? Since"
        if slot < now - LATE
        else "Approved. It starts",
        Stage.SENDING: f"Is being sent to {edition.recipients:,} recipients. Started",
        Stage.PAUSED: f"Paused. {edition.pause_reason}".strip(),
    }[Stage(edition.status)]
    moment = {Stage.SENDING: edition.started_at, Stage.PAUSED: None}.get(
        Stage(edition.status), slot
    )
    kind = str(edition.get_status_display()).lower()
    return Line(f"{edition.week}: {edition.subject}", _page(edition), kind, note, moment)


def _undecided(edition: Any) -> Line:
    one = edition.unknown == 1
    return Line(
        f"{edition.unknown:,} unknown deliver{'y' if one else 'ies'}",
        reverse("admin:digest_edition_unknowns", args=[edition.pk]),
        edition.week,
        f"Nobody knows whether {'it' if one else 'they'} arrived. You decide.",
    )


def _none_yet(week: str, slot: datetime, now: datetime) -> Line:
    """Say why there is no edition of this week."""
    due = slot - editions.DRAFT_LEAD
    moment = None
    if now < due:
        note, moment = "No draft yet. It is made", due
    elif cache.get_or_set("digest.nothing_changed", lambda: _nothing_changed(now), KEPT):
        note = "Nothing changed since the last edition, so there is none."
    else:
        note = "No draft, though something changed. Is a worker running? Or make it yourself."
    return Line(week, _list(), "no edition", note, moment)


def _nothing_changed(now: datetime) -> bool:
    since = editions.told_until() or now - editions.FIRST_PERIOD
    return Content.since(since, now, told_by(Edition.objects.told())).is_empty


def _list() -> str:
    return reverse("admin:digest_edition_changelist")


def _page(edition: Edition) -> str:
    return reverse("admin:digest_edition_change", args=[edition.pk])
