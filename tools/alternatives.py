"""What else a reader of a tool's page may want, and how each of them differs in one line."""

from dataclasses import dataclass

from django.db.models import F, Q
from django.db.models.functions import Abs, Lower

from .models import Tool
from .pricing import Entry
from .querysets import ToolQuerySet

#: How many alternatives a tool's page names.
LIMIT = 6


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another tool, and what tells it from the one that the page is about."""

    tool: Tool
    difference: str


def alternatives_to(tool: Tool) -> list[Alternative]:
    """Return the tools that come closest to one: of its category first, by their panels.

    Closest means the smallest difference in ships, then in mean score. Where the category has too
    few, tools of other categories with as many ships follow. Tools that an editor has compared
    with it already are left out; the page lists those comparisons by themselves.
    """
    others = _not_compared(tool).for_cards()
    panel = getattr(tool, "panel", None)
    ships = panel.ships if panel else 0
    score = panel.mean_score if panel and panel.mean_score is not None else 0
    nearest = others.order_by(
        Abs(F("panel__ships") - ships).asc(nulls_last=True),
        Abs(F("panel__mean_score") - score).asc(nulls_last=True),
        Lower("name"),
        "slug",
    )
    found = list(nearest.filter(category=tool.category_id)[:LIMIT])
    if len(found) < LIMIT and panel:
        elsewhere = others.exclude(category=tool.category_id).filter(panel__ships=ships).ranked()
        found += elsewhere[: LIMIT - len(found)]
    return [Alternative(other, difference(tool, other)) for other in found]


def _not_compared(tool: Tool) -> ToolQuerySet:
    written = tool.comparisons_as_left.model.objects.published()
    return Tool.objects.published().exclude(
        Q(pk=tool.pk)
        | Q(pk__in=written.filter(left=tool).values("right"))
        | Q(pk__in=written.filter(right=tool).values("left"))
    )


def difference(tool: Tool, other: Tool) -> str:
    """Say in a few words what tells `other` from `tool`: the first of these that does.

    The panel, what it takes to start, the mean score where both have one, the category, the vendor.
    """
    if other.strip.missing:
        return f"{other.strip.count} of 4 reviews so far"
    if other.strip.ships != tool.strip.ships:
        return f"{other.strip.ships} of 4 ship it, against {tool.strip.ships}"
    if other.entry != tool.entry and Entry.UNKNOWN not in (other.entry, tool.entry):
        return "free to start" if other.entry == Entry.FREE else "paid from the start"
    mine, theirs = (
        panel.mean_score if panel else None
        for panel in (getattr(tool, "panel", None), getattr(other, "panel", None))
    )
    if mine is not None and theirs is not None and round(mine) != round(theirs):
        return f"mean score {theirs:.0f}, against {mine:.0f}"
    if other.category_id != tool.category_id:
        return f"the same panel, in {other.category.name}"
    if other.vendor_id != tool.vendor_id:
        return f"the same panel, by {other.vendor.name}"
    return "the same panel, from the same vendor"
