"""The Atom feed of the digest’s editions, and their part of the sitemap."""

from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse

from comparisons.sitemaps import RowsPart
from tools.feeds import LENGTH, Entry, EntryFeed, newest

from .models import Edition


class EditionFeed(EntryFeed):
    """Every edition that went out, with all that it said."""

    def heading(self, subject: Any) -> str:
        return "The weekly digest"

    def page(self, subject: Any) -> str:
        return reverse("digest")

    def place(self, subject: Any) -> str:
        return reverse("edition-feed")

    def items(self) -> list[Entry]:
        return newest(_entry(edition) for edition in Edition.objects.public()[:LENGTH])


def _entry(edition: Any) -> Entry:
    return Entry(
        key=f"edition/{edition.week}",
        title=edition.subject,
        address=reverse("edition", args=[edition.week.lower()]),
        html=edition.html,
        published=edition.started_at,
        updated=edition.started_at,
    )


class Editions(RowsPart):
    """Every edition that went out."""

    def items(self) -> QuerySet[Any]:
        editions = Edition.objects.public().annotate(changed_at=F("started_at"))
        return editions.only("week").order_by("pk")

    def location(self, item: Any) -> str:
        return reverse("edition", args=[item.week.lower()])
