"""Placings: the order that duels give the tools of a category."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tools.models import Category, Tool
from tools.triggers import change_noted


class Ranking(models.Model):
    """The order that duels give the tools of a category, at one time. Written by `placing`."""

    category = models.OneToOneField(
        Category, models.CASCADE, related_name="ranking", primary_key=True
    )
    basis = models.CharField(max_length=64, help_text="A hash of the choices it was computed from.")
    computed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        triggers = [change_noted()]

    def __str__(self) -> str:
        return f"Readers’ choice in {self.category}"


class Placing(models.Model):
    """A tool's place in the ranking of its category, in percent; see `ranking.Standing`."""

    ranking = models.ForeignKey(Ranking, models.CASCADE, related_name="placings")
    tool = models.OneToOneField(Tool, models.CASCADE, related_name="placing", primary_key=True)
    win_rate = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    duels = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(low__gte=0) & Q(high__gte=F("low")) & Q(high__lte=100),
                name="reviews_placing_interval",
            ),
        ]
        triggers = [change_noted()]

    def __str__(self) -> str:
        return f"{self.tool}: {self.win_rate:.0f}%"
