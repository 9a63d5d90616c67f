"""The address that answers to “Which one would you ship with?” are sent to."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from reviews.dueling import DuelCast, cast_duel
from reviews.duels import Choice
from reviews.proof_of_work import challenge_for
from reviews.vote_views import RETRACT, ballot_box, place, read_ballot, record
from tools.addresses import UnknownName
from tools.models import Tool
from tools.posting import RefusedError
from tools.slugs import VERSUS

from .lineups import lineup_address
from .models import Comparison


@ballot_box
def duel(request: HttpRequest, slugs: str) -> HttpResponse:
    """Cast, change or retract a choice between two tools, named in any order, and go back."""
    said = read_ballot(request)
    names = dict.fromkeys(slugs.lower().split(VERSUS))
    if len(names) != 2:
        raise UnknownName(slugs, [])
    tools = Tool.objects.filter(slug__in=names).only("pk", "slug", "name")
    pair = list(tools.order_by("pk"))
    if len(pair) != 2:
        raise _unknown_of(names)
    left, right = pair
    choices: dict[str, Choice | None] = {
        left.slug: Choice.LEFT,
        right.slug: Choice.RIGHT,
        Choice.NEITHER.value: Choice.NEITHER,
        RETRACT: None,
    }
    if said not in choices:
        raise RefusedError(400, f"A choice is {left.slug}, {right.slug}, neither or retract.")
    address = Comparison.objects.address_of([left.slug, right.slug])
    words = {choice: word for word, choice in choices.items()}

    def describe(done: DuelCast) -> dict[str, Any]:
        """Say what happened, for a script: the choice now, what would undo it, and the count."""
        count, (first, second) = done.count, pair
        if address != lineup_address(first.slug, second.slug):
            count, first, second = count.mirrored, second, first
        said = {
            "change": done.change,
            "choice": done.choice and words[done.choice],
            "undo": None if done.change == "unchanged" else words[done.before],
            # The shares are in the order of the page: first, second, neither.
            "count": {
                first.slug: count.left,
                second.slug: count.right,
                "neither": count.neither,
                "total": count.total,
                "shares": count.shares,
                "text": count.text(first.name, second.name),
            },
        }
        challenge = challenge_for(done.quarantined)
        return said | ({"challenge": challenge} if challenge else {})

    cast = partial(cast_duel, left.pk, right.pk, choice=choices[said])
    try:
        return record(request, cast, describe, place(request, f"{address}#duel"))
    except Tool.DoesNotExist:
        raise _unknown_of(names) from None


def _unknown_of(names: Iterable[str]) -> UnknownName:
    """Return the error that names the first that readers may not see."""
    public = Tool.objects.published().filter(slug__in=names).values_list("slug", flat=True)
    return UnknownName(next(name for name in names if name not in set(public)), [])
