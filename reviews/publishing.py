"""Moving reviews, and tools with the reviews that wait for them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from tools import publishing
from tools.models import Tool
from tools.publishing import UNPUBLISHED, acting
from tools.status import APPEARING, Status

from .models import Review
from .personas import Persona
from .writing import Statement, record_reviews


@dataclass(frozen=True, slots=True)
class Readiness:
    """What stands between a tool and its publication."""

    #: It may not be published without these.
    needs: list[str] = field(default_factory=list)
    #: Readers would miss these.
    would_help: list[str] = field(default_factory=list)
    #: Where each of these sentences is mended: a persona, a field of the tool, or its plans.
    places: dict[str, str] = field(default_factory=dict)


def readiness(tool: Tool) -> Readiness:
    """Say what a tool needs before it is published, and what else readers would miss.

    `tool` comes with its reviews, plans and prices: see `ToolQuerySet.for_desk`.
    """
    there = {review.persona for review in tool.reviews.all() if review.status != Status.WITHDRAWN}
    pricing = tool.pricing
    would_help = [
        (not tool.tagline, "tagline", "A tagline, which answers “Best for”."),
        (not tool.description, "description", "A description."),
        (not tool.website, "website", "Its website."),
        (not pricing.plans, "plans", "A plan. Without one, what it takes to start is unknown."),
    ]
    needs = {
        f"The {persona.label}’s verdict is missing.": persona.value
        for persona in Persona
        if persona not in there
    }
    helps = {sentence: place for lacking, place, sentence in would_help if lacking}
    return Readiness(needs=list(needs), would_help=list(helps), places=needs | helps)


def move_tool(
    tool: Tool, to: Status, *, by: Any = None, at: datetime | None = None, reason: str = ""
) -> None:
    """Move a tool to a status, in one transaction, with the reviews that have not been public.

    A tool goes to review, is scheduled and is published together with them; reviews that readers
    see already stay as they are, and so do those that were withdrawn. Its panel has to be complete
    before it appears.

    Raises what `tools.publishing.check` raises, with the verdicts that are missing.
    """
    with acting(by, reason):
        Tool.objects.select_for_update(no_key=True).get(pk=tool.pk)
        if to in APPEARING:
            fresh: Tool = Tool.objects.for_desk().get(pk=tool.pk)
            if needs := readiness(fresh).needs:
                raise ValidationError(needs, code="needs")
        publishing.move(tool, to, by=by, at=at, reason=reason)
        waiting = [review for review in tool.reviews.all() if _goes_along(review, to)]
        record_reviews((_moved(review, to, at, reason) for review in waiting), by=by)


def _goes_along(review: Review, to: Status) -> bool:
    """Whether a review moves with its tool: those do that no reader has seen.

    One that is scheduled takes the tool's minute, whichever was its own, so that the panel is
    complete when the tool appears.
    """
    if to == Status.WITHDRAWN:
        return False
    waits = review.stage in (*UNPUBLISHED, Status.SCHEDULED)
    return waits and (review.stage != to or to == Status.SCHEDULED)


def move_review(
    review: Review, to: Status, *, by: Any = None, at: datetime | None = None, reason: str = ""
) -> None:
    """Move one review to a status, as a revision of it, in one transaction.

    Withdrawing takes it out of the panel, which is pending then, and needs a reason. Raises what
    `tools.publishing.check` raises.
    """
    with acting(by, reason):
        tool = Tool.objects.select_for_update(no_key=True).get(pk=review.tool_id)
        fresh = Review.objects.get(pk=review.pk)
        publishing.check(fresh, to, by=by, at=at)
        _check_panel(tool, to, at)
        if to == Status.WITHDRAWN and not reason:
            raise ValidationError({"reason": "Say why it is withdrawn; readers see it."})
        record_reviews([_moved(fresh, to, at, reason)], by=by)
        review.refresh_from_db()


def _check_panel(tool: Tool, to: Status, at: datetime | None) -> None:
    """Raise a ValidationError where a tool that is scheduled would appear without this verdict."""
    if tool.stage != Status.SCHEDULED or to == Status.PUBLISHED or tool.published_at is None:
        return
    if to != Status.SCHEDULED or at is None or at > tool.published_at:
        raise ValidationError(
            f"{tool} is scheduled, and would appear without this verdict. Move the tool first."
        )


def _moved(review: Review, to: Status, at: datetime | None, reason: str) -> Statement:
    """Return the review as it stands, with another status."""
    return Statement.of(review, reason=reason or review.reason, status=to, published_at=at)
