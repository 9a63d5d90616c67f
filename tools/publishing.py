"""Moving a page from draft to published and beyond: the one place that says who may, and when."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, models, transaction
from django.utils import timezone

from .status import APPEARING, Publishable, Status, check_move

#: What is not public yet, and so may be changed by whoever may write at all.
UNPUBLISHED = (Status.DRAFT, Status.IN_REVIEW)


def may(user: Any, act: str, row: models.Model | type[models.Model]) -> bool:
    """Whether a user has a permission on a kind of row: may(user, "publish", tool)."""
    return bool(user.has_perm(f"{row._meta.app_label}.{act}_{row._meta.model_name}"))


def may_edit(user: Any, row: Publishable) -> bool:
    """Whether a user may change what a row says.

    What readers see, or will see without another look, is for those who may publish.
    """
    return may(user, "change", row) and (row.stage in UNPUBLISHED or may(user, "publish", row))


def may_price(user: Any, tool: Publishable) -> bool:
    """Whether a user may say what a tool costs: whoever may edit it, or chooses its minute."""
    return may_edit(user, tool) or may(user, "schedule", tool)


def may_move(user: Any, row: Publishable, to: Status) -> bool:
    """Whether a user may move a row to a status; whether the row can go there is not looked at."""
    if to in UNPUBLISHED and row.stage in UNPUBLISHED:
        return may(user, "change", row)
    # Who schedules chooses the minute for what somebody handed in, and decides nothing else.
    timing = to == Status.SCHEDULED or (to in UNPUBLISHED and row.stage == Status.SCHEDULED)
    if timing and row.stage in (Status.IN_REVIEW, Status.SCHEDULED) and may(user, "schedule", row):
        return True
    return may(user, "publish", row)


def check(row: Publishable, to: Status, *, by: Any = None, at: datetime | None = None) -> None:
    """Look whether a row may be moved.

    `by` is the user who wants it, None for whoever works on the command line; `at` is the minute
    from which something scheduled appears.

    Raises PermissionDenied when the user may not, and ValidationError when the row cannot: with a
    list of what it needs, or with the key `published_at` for a minute that is missing or past.
    """
    if by is not None and not may_move(by, row, to):
        raise PermissionDenied(f"{by} may not do this: {to.label.lower()}.")
    check_move(row.stage, to)
    if to == Status.SCHEDULED:
        if at is None:
            raise ValidationError({"published_at": "Say from when on readers should see it."})
        if at <= timezone.now():
            raise ValidationError(
                {"published_at": "This minute has passed. Choose a later one, or publish it now."}
            )
    if to in APPEARING and row.needs:
        raise ValidationError(row.needs, code="needs")


def move(
    row: Publishable,
    to: Status,
    *,
    by: Any = None,
    at: datetime | None = None,
    reason: str = "",
) -> None:
    """Move a tool or a comparison to a status, in one transaction, and write down who did.

    A tool with its reviews moves by `reviews.publishing`. See `check` for what is looked at and
    raised; the row is locked and looked at as it stands, not as the caller remembers it.
    """
    with acting(by, reason):
        fresh = type(row)._base_manager.select_for_update(no_key=True).get(pk=row.pk)
        check(fresh, to, by=by, at=at)
        fresh.become(to, at)
        fresh.save(update_fields=["status", "published_at", "updated_at"])
        row.status, row.published_at = fresh.status, fresh.published_at


@contextmanager
def acting(by: Any = None, reason: str = "") -> Iterator[None]:
    """Run a transaction in which the database knows who acts, and why: see `tools.models.Act`."""
    with transaction.atomic():
        before = _told()
        _tell(by.get_username() if by else "", reason)
        yield
        # What is rolled back, told or not, takes this with it.
        if not connection.needs_rollback:
            _tell(*before)


def _told() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('shiporskip.by', true), ''),"
            " coalesce(current_setting('shiporskip.reason', true), '')"
        )
        by, reason = cursor.fetchone()
    return by, reason


def _tell(by: str, reason: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('shiporskip.by', %s, true),"
            " set_config('shiporskip.reason', %s, true)",
            [by, reason],
        )
