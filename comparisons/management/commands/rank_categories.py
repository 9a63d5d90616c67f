"""Order the tools of each category by what readers would ship with: `manage.py rank_categories`."""

from typing import Any

from django.core.management.base import BaseCommand

from comparisons.catalog.terminal import plain_ending, progress
from reviews.placing import rank_category
from tools.models import Category


class Command(BaseCommand):
    """A category at a time; one whose choices are those of the last run stays as it is."""

    help = "Compute the readers' choice of each category from their duels. Run it every night."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rank every category, and say how many have changed."""
        with plain_ending("The categories before it are ranked; run it again for the others."):
            categories = list(Category.objects.only("pk").order_by("pk"))
            changed = sum(map(rank_category, progress(categories, "Ranking categories")))
            self.stdout.write(f"Ranked {changed} of {len(categories)} categories anew.")
