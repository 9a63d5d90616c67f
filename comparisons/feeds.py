"""The Atom feed of comparisons that are worth reading."""

from typing import Any

from django.urls import reverse

from tools.feeds import LENGTH, Entry, EntryFeed, newest

from .models import Comparison


class ComparisonFeed(EntryFeed):
    """Comparisons that an editor wrote and that lack nothing."""

    def heading(self, subject: Any) -> str:
        return "Comparisons"

    def page(self, subject: Any) -> str:
        return reverse("compare")

    def place(self, subject: Any) -> str:
        return reverse("comparison-feed")

    def items(self) -> list[Entry]:
        return newest(
            _entry(comparison)
            for comparison in Comparison.objects.indexable().newest().for_cards()[:LENGTH]
        )


def _entry(comparison: Any) -> Entry:
    return Entry(
        key=f"comparison/{comparison.pk}",
        title=str(comparison),
        address=comparison.address,
        html=comparison.summary_html,
        published=comparison.published_at,
        updated=max(comparison.published_at, comparison.updated_at),
    )
