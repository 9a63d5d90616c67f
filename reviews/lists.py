"""What the desk's lists of tools and reviews show and filter."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tools.status import Status

from .models import Review, Revision
from .personas import Persona
from .scorecards import PanelStrip, Scorecard

WEEK = timedelta(days=7)


def lacking_verdicts(tools: Any, personas: Iterable[str] = Persona.values) -> QuerySet[Any]:
    """Return those of `tools` for which one of `personas` has written nothing, not even a draft.

    Tools that were withdrawn lack nothing; a review that was withdrawn is lacking.
    """
    lacking = Q()
    for persona in personas:
        reviews = Review.objects.filter(persona=persona).exclude(status=Status.WITHDRAWN)
        lacking |= ~Q(pk__in=reviews.values("tool"))
    return tools.exclude(status=Status.WITHDRAWN).filter(lacking)


def with_verdicts(tools: Any) -> QuerySet[Any]:
    """Fetch with `tools` what `strip_of` reads, without the arguments."""
    reviews = Review.objects.exclude(status=Status.WITHDRAWN).only("tool", "persona", "verdict")
    return tools.prefetch_related(Prefetch("reviews", reviews, to_attr="verdicts"))


def strip_of(tool: Any) -> PanelStrip:
    """Return the four verdicts that are written, drafts too; see `with_verdicts`."""
    return Scorecard.of(tool.verdicts).strip


def named(personas: Iterable[Persona]) -> str:
    """Return personas in a row: “Builder, Founder”."""
    return ", ".join(str(persona.label) for persona in personas)


def alone(reviews: QuerySet[Any]) -> QuerySet[Any]:
    """Return the reviews that wait or are due by themselves, not together with their tool."""
    together = Q(tool__status=F("status")) & (
        Q(status=Status.IN_REVIEW)
        | Q(status=Status.SCHEDULED, tool__published_at=F("published_at"))
    )
    return reviews.exclude(together)


def flipped(since: Any) -> QuerySet[Any]:
    """Return the revisions that turned a public verdict round since a moment, latest first."""
    return Revision.objects.public().reversals().filter(public_from__gte=since)


class MissingFilter(admin.SimpleListFilter):
    """Tools with fewer than four verdicts, or without that of one persona."""

    title = "missing verdicts"
    parameter_name = "missing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "Any of the four"), *Persona.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "any":
            return lacking_verdicts(queryset)
        if self.value() in Persona.values:
            return lacking_verdicts(queryset, [str(self.value())])
        return queryset


class AloneFilter(admin.SimpleListFilter):
    """Reviews that move by themselves."""

    title = "moves"
    parameter_name = "moves"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alone", "By itself, not with its tool")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return alone(queryset) if self.value() == "alone" else queryset


class FlippedFilter(admin.SimpleListFilter):
    """Reviews whose verdict readers have seen turn round lately."""

    title = "flipped"
    parameter_name = "flipped"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("week", "In the last 7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "week":
            return queryset
        return queryset.filter(pk__in=flipped(timezone.now() - WEEK).values("review"))
