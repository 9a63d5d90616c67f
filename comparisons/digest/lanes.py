"""Lanes: the connections over which an edition goes out, and how far each one has come.

A lane is held by one worker at a time, under a random token. It opens a small *window* of
deliveries and a *cursor* at its beginning, both in the statement that marks them as being sent,
which is committed before the first byte goes out. The cursor moves after each acceptance, and a
worker that cannot move it, because the lane is no longer its own, sends nothing more. So whoever
takes over a lane whose holder is silent knows: what lies before the cursor was sent, what lies
behind it was not, and of the one mail at the cursor nobody knows. A holder that was only slow finds
its token gone; the mail it was sending is that unknown one, which is never sent again by itself.

The cursor lives in an unlogged table, because it is written once a mail and need not outlive
Postgres: after a crash it is gone, and with it what is known of the open window, all of which is
unknown then. After an orderly restart it is still there.
"""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models

#: The largest window: what is unknown at worst after a crash of Postgres, for each lane.
WINDOW = 50
#: A lane that was in trouble rests so long, twice as long each further time, at most REST_MOST.
REST = timedelta(seconds=5)
REST_MOST = timedelta(minutes=15)
#: More than HARD_MOST hard failures among a BLOCK of deliveries pause an edition.
BLOCK = 1000
HARD_MOST = 20


class Lane(models.Model):
    """One connection to the mail server, over all workers and machines."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    token = models.UUIDField(null=True, help_text="Who holds it.")
    held_at = models.DateTimeField(null=True, help_text="When its holder was last heard of.")
    edition = models.ForeignKey(
        "digest.Edition", models.SET_NULL, null=True, related_name="lanes", db_index=False
    )
    window = ArrayField(models.BigIntegerField(), default=list)
    resting_until = models.DateTimeField(null=True)
    strikes = models.PositiveSmallIntegerField(default=0, help_text="Troubles in a row.")
    trouble = models.CharField(max_length=300, blank=True, help_text="The last one.")
    tried = models.PositiveIntegerField(default=0, help_text="Deliveries of the present block.")
    hard = models.PositiveIntegerField(default=0, help_text="Hard failures among them.")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Lane {self.number}"


class Cursor(models.Model):
    """How far the holder of a lane has come in its window. The table is unlogged."""

    lane = models.OneToOneField(Lane, models.CASCADE, primary_key=True)
    token = models.UUIDField()
    position = models.PositiveSmallIntegerField(default=0)
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.lane} at {self.position}"
