"""Placing a category's tools by its readers' duels: what `manage.py rank_categories` does."""

from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from tools.models import Category, Tool

from .duels import DuelTally
from .placings import Placing, Ranking
from .ranking import Choices, standings


@transaction.atomic
def rank_category(category: Category) -> bool:
    """Place the category's public tools by what readers chose between two of them.

    Only counted duels are looked at, and of them those that chose one of the two. Returns whether
    anything has changed; from the same choices as last time nothing is computed.
    """
    # Of two runs at once the second waits here, and then finds nothing to do.
    ranking, _ = Ranking.objects.select_for_update().get_or_create(category=category)
    choices = choices_in(category)
    basis = sha256(repr(sorted(choices.items())).encode()).hexdigest()
    if ranking.basis == basis:
        return False
    ranking.basis, ranking.computed_at = basis, timezone.now()
    ranking.save()
    placings = [
        Placing(
            ranking=ranking,
            tool_id=place.tool_id,
            win_rate=place.win_rate,
            low=place.low,
            high=place.high,
            duels=place.duels,
        )
        for place in standings(choices)
    ]
    ranking.placings.all().delete()
    # A tool that has moved here from another category still has its place there.
    Placing.objects.filter(tool__in=[placing.tool_id for placing in placings]).delete()
    Placing.objects.bulk_create(placings)
    return True


def choices_in(category: Category) -> Choices:
    """Return how often each of two public tools of a category was chosen over the other."""
    tools = Tool.objects.published().filter(category=category).values("pk")
    tallies = DuelTally.objects.filter(left__in=tools, right__in=tools).exclude(lefts=0, rights=0)
    rows = tallies.values_list("left", "right", "lefts", "rights")
    return {(left, right): (lefts, rights) for left, right, lefts, rights in rows}
