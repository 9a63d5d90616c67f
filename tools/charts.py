"""Price histories as step lines, drawn on the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from .models import Plan, Tool
from .pricing import PlanLine, Priced, describe_price

#: The drawing's own units; the page stretches it to its column.
WIDTH, HEIGHT, MARGIN = 600, 100, 8


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """A plan with its price of today, and the prices that stand, oldest first."""

    line: PlanLine
    prices: Sequence[Priced]
    today: date

    @property
    def comparable(self) -> bool:
        """Whether the prices can stand on one scale: at least two, in one currency per one unit."""
        return len(self.prices) > 1 and (
            len({(price.currency, price.period, price.unit) for price in self.prices}) == 1
        )

    @property
    def description(self) -> str:
        """The line in words: “USD 20.00 per month from 1 Mar 2026, then …”."""
        return ", then ".join(
            f"{describe_price(price)} from {price.effective_on.day} {price.effective_on:%b %Y}"
            for price in self.prices
        )

    @property
    def steps(self) -> str:
        """The path of the step line, from the first price to today. An amount of 0 is the floor."""
        start, end = self.prices[0].effective_on, max(self.today, self.prices[-1].effective_on)
        days = max((end - start).days, 1)
        top = max(price.amount for price in self.prices) or 1

        def across(day: date) -> float:
            return MARGIN + (WIDTH - 2 * MARGIN) * (day - start).days / days

        def down(price: Priced) -> float:
            return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * float(price.amount / top)

        path = [f"M{across(start):.1f} {down(self.prices[0]):.1f}"]
        path += [
            f"H{across(price.effective_on):.1f}V{down(price):.1f}" for price in self.prices[1:]
        ]
        return "".join(path) + f"H{across(end):.1f}"


def price_history(tool: Tool) -> list[PlanHistory]:
    """Return the histories of a tool's plans, from what a queryset has prefetched."""
    today = timezone.localdate()
    return [_of(plan, today) for plan in tool.plans.all()]


def _of(plan: Plan, today: date) -> PlanHistory:
    # Oldest first, so of several prices of one day the last, a correction, is what stays.
    by_day = {price.effective_on: price for price in plan.prices.all()}
    return PlanHistory(plan.line(today), list(by_day.values()), today)
