"""Which reviews a page needs, in domain words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from tools.status import Status, is_published

from .personas import Persona
from .scorecards import MAX_GAP, Outcome, Scorecard, Verdict

#: The revision follows the public one at once; between others, it was withdrawn.
_AT_ONCE = Q(seen_number=F("number") - 1)
_TOOL_PUBLIC_FROM = F("review__tool__published_at")

#: A revision takes the place of what readers saw. Before the tool was public they saw nothing, and
#: what stood when it appeared they saw from then on.
REPLACES = Q(public_from__gt=_TOOL_PUBLIC_FROM) & (
    _AT_ONCE | Q(seen_public_from__gte=_TOOL_PUBLIC_FROM)
)

#: A revision withdraws what readers saw. One that is edited while withdrawn does not do so again.
WITHDRAWS = Q(status=Status.WITHDRAWN, recorded_at__gt=_TOOL_PUBLIC_FROM) & _AT_ONCE


class ReviewQuerySet(models.QuerySet[Any]):
    """Current reviews."""

    def published(self, at: datetime | None = None) -> Self:
        """Return the reviews that readers may see at a moment, where they may see the tool."""
        return self.filter(is_published(at))

    def foreseen(self) -> Self:
        """Return the reviews that a preview shows: everything but what was withdrawn."""
        return self.exclude(status=Status.WITHDRAWN)

    def public(self) -> Self:
        """Return the reviews that readers may see of tools that they may see, with their tool."""
        return self.filter(is_published(), is_published(prefix="tool__")).select_related(
            "tool__panel"
        )

    def newest(self) -> Self:
        """Order by the day of the review, the latest first."""
        return self.order_by("-reviewed_on", "-id")

    def scorecard(self) -> Scorecard[Any]:
        """Lay out these reviews, which are those of one tool."""
        return Scorecard.of(self)

    def record_of(self, persona: Persona) -> "Record":
        """Count a persona's public verdicts."""
        counts = (
            self.filter(is_published(), is_published(prefix="tool__"), persona=persona)
            .order_by()
            .aggregate(reviews=Count("id"), ships=Count("id", filter=Q(verdict=Verdict.SHIP)))
        )
        return Record(**counts)


@dataclass(frozen=True, slots=True)
class Record:
    """How many reviews a persona has written, and how many of them ship."""

    reviews: int
    ships: int

    @property
    def share(self) -> int | None:
        """The ship rate in percent; None without a review."""
        return round(100 * self.ships / self.reviews) if self.reviews else None


class PanelQuerySet(models.QuerySet[Any]):
    """What the reviews of tools add up to."""

    def public(self) -> Self:
        """Return the panels of tools that readers may see, with what a tool's card shows."""
        return (
            self.filter(is_published(prefix="tool__"))
            .select_related("tool__category", "tool__vendor", "tool__tally")
            .prefetch_related("tool__plans")
        )

    def newest(self) -> Self:
        """Return the complete panels, the one with the newest review first."""
        return self.exclude(outcome=Outcome.PENDING).order_by("-reviewed_on", "-tool_id")

    def contested(self) -> Self:
        """Return the panels with an outvoted side, the closest vote first."""
        return self.filter(contest__gt=MAX_GAP).order_by("-contest", "-tool_id")


class RevisionQuerySet(models.QuerySet[Any]):
    """Everything that was ever written, append-only."""

    def public(self, at: datetime | None = None) -> Self:
        """Return the revisions that readers may see at a moment, now if none is given."""
        return self.filter(
            is_published(at, "review__"),
            is_published(at, "review__tool__"),
            public_from__lte=at or timezone.now(),
        ).select_related("review__tool__panel")

    def reversals(self) -> Self:
        """Return the revisions that turned a verdict round for readers, the latest first."""
        return (
            self._with_seen()
            .filter(REPLACES)
            .exclude(previous_verdict="")
            .exclude(previous_verdict=F("verdict"))
            .order_by("-public_from", "-id")
        )

    def corrections(self) -> Self:
        """Return what changed verdict or score for readers, and what was withdrawn, newest first.

        Only of tools that readers may see, and from the time since when they do. Each comes with
        `corrected_at`, and with `seen_verdict` and `seen_score`, which readers saw before.
        """
        changed = ~Q(seen_verdict=F("verdict")) | ~Q(seen_score_key=F("score_key"))
        return (
            self._with_seen()
            .filter(is_published(prefix="review__tool__"))
            .annotate(
                # An unknown score differs from a known one, and not from another unknown one.
                score_key=Coalesce("score", -1),
                seen_score_key=Coalesce("seen_score", -1),
                corrected_at=Coalesce("public_from", "recorded_at"),
            )
            .filter(WITHDRAWS | (Q(public_from__lte=timezone.now()) & REPLACES & changed))
            .select_related("review__tool")
            .order_by("-corrected_at", "-pk")
        )

    def _with_seen(self) -> Self:
        """Return revisions with what the public one before them says as `seen_…`, if any."""
        before = self.model.objects.filter(
            review=OuterRef("review"), number__lt=OuterRef("number"), public_from__isnull=False
        ).order_by("-number")
        columns = ("number", "verdict", "score", "public_from")
        return self.filter(number__gt=1).annotate(
            **{f"seen_{column}": Subquery(before.values(column)[:1]) for column in columns}
        )
