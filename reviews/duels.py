"""Duels: what single readers choose of two tools, and what that adds up to."""

from django.db import models
from django.db.models import F, Q

from tools.models import Tool

from .tallies import DuelCount
from .votes import Screened, ScreenedTally, subject_indexes


class Choice(models.TextChoices):
    """Which of two tools a reader would ship with. Left is the tool with the smaller number."""

    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    NEITHER = "neither", "Neither"


class DuelTally(ScreenedTally):
    """Two tools, in the order of their ids, and how often which was chosen.

    Two tools that nobody has chosen between have none.
    """

    COLUMNS = {Choice.LEFT: "lefts", Choice.RIGHT: "rights", Choice.NEITHER: "neithers"}

    left = models.ForeignKey(Tool, models.CASCADE, related_name="+", db_index=False)
    right = models.ForeignKey(Tool, models.CASCADE, related_name="+")
    lefts = models.PositiveIntegerField(default=0)
    rights = models.PositiveIntegerField(default=0)
    neithers = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "duel tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["left", "right"],
                name="reviews_dueltally_one_per_pair",
                violation_error_message="These two tools have a tally already.",
            ),
            models.CheckConstraint(
                condition=Q(left__lt=F("right")),
                name="reviews_dueltally_in_order",
                violation_error_message="The tool with the smaller number is the left one.",
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def count(self) -> DuelCount:
        """The counted duels."""
        return DuelCount(self.lefts, self.rights, self.neithers)

    @property
    def cast(self) -> models.QuerySet["Duel"]:
        return Duel.objects.filter(tally=self.pk)

    @property
    def subject(self) -> str:
        return f"{self.left.name} or {self.right.name}"


class Duel(Screened):
    """One reader's answer to which of two tools they would ship with. Written as votes are."""

    SUBJECT = "tally"

    tally = models.ForeignKey(DuelTally, models.CASCADE, related_name="duels", db_index=False)
    choice = models.CharField(max_length=7, choices=Choice.choices)

    class Meta:
        constraints = [
            *Screened.Meta.constraints,
            models.UniqueConstraint(
                fields=["tally", "voter"],
                name="reviews_duel_one_per_pair_and_voter",
                violation_error_message="This voter has chosen between these tools already.",
            ),
            models.CheckConstraint(
                condition=Q(choice__in=Choice.values),
                name="reviews_duel_choice_known",
                violation_error_message="A choice is one of the two tools, or neither.",
            ),
        ]
        indexes = subject_indexes("tally", "pair")

    def __str__(self) -> str:
        return f"{self.get_choice_display()} of {self.tally}"

    def lock_tally(self) -> DuelTally:
        return DuelTally.objects.select_for_update(no_key=True).get(pk=self.tally_id)
