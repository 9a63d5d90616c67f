"""The community's votes on tools, their tallies, and what is kept to tell stuffing from votes."""

from collections.abc import Mapping
from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tools.models import Tool

from .scorecards import Verdict
from .tallies import Count


class Standing(models.TextChoices):
    """Whether a vote is in the tally. The voter is not told."""

    COUNTED = "counted", "Counted"
    QUARANTINED = "quarantined", "Quarantined"
    REJECTED = "rejected", "Rejected"


class Suspicion(models.TextChoices):
    """Why a vote was quarantined; `screening` has the rules."""

    COOKIE = "cookie", "Again without a cookie"
    ADDRESS = "address", "Many from one address"
    BURST = "burst", "Burst"
    FLOOD = "flood", "One-sided flood"
    EDITOR = "editor", "An editor’s doubt"


class Screened(models.Model):
    """What somebody without an account cast, and what is made of it.

    Nothing in it leads to a person: the voter is a random number in a cookie, and the address is
    a hash whose key is gone the next day.
    """

    voter = models.UUIDField(help_text="A random number that the voter’s browser keeps.")
    cast_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    standing = models.CharField(max_length=11, choices=Standing.choices, default=Standing.COUNTED)
    suspicion = models.CharField(
        max_length=7,
        choices=Suspicion.choices,
        blank=True,
        help_text="Why it was quarantined. It stays when the vote is released.",
    )
    address = models.BinaryField(
        "address hash", max_length=16, null=True, help_text="Empty once its time is over."
    )
    without_cookie = models.BooleanField(
        default=False, help_text="Whether it came from a browser that we had not met."
    )
    choice: Any  # each kind has its own choices
    #: The field that names what it was cast on, by the primary key of the tally.
    SUBJECT: str

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(standing__in=Standing.values),
                name="%(app_label)s_%(class)s_standing_known",
                violation_error_message="This standing does not exist.",
            ),
            models.CheckConstraint(
                condition=Q(suspicion__in=["", *Suspicion.values]),
                name="%(app_label)s_%(class)s_suspicion_known",
                violation_error_message="This suspicion does not exist.",
            ),
            models.CheckConstraint(
                condition=Q(standing=Standing.COUNTED) | ~Q(suspicion=""),
                name="%(app_label)s_%(class)s_suspected_for_something",
                violation_error_message="A vote that is not counted says why.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["address", "-cast_at"],
                name="%(app_label)s_%(class)s_address",
                condition=Q(address__isnull=False),
            ),
            models.Index(
                fields=["voter"],
                name="%(app_label)s_%(class)s_returning",
                condition=Q(standing=Standing.QUARANTINED),
            ),
            # The night asks of each voter of a wave whether they have voted elsewhere.
            models.Index(
                fields=["voter"],
                name="%(app_label)s_%(class)s_counted_voter",
                condition=Q(standing=Standing.COUNTED),
            ),
        ]

    def lock_tally(self) -> "ScreenedTally":
        """Return the tally that counts it, locked until the transaction ends.

        Whatever changes a vote takes this lock first, and one subject's at a time, so nobody can
        wait for somebody who waits for them.
        """
        raise NotImplementedError


class ScreenedTally(models.Model):
    """What was cast on one subject, counted.

    Derived, and kept because counting a million votes on a page takes too long. Whatever changes a
    vote locks the tally first and changes it in the same transaction; `check_tallies` proves it.
    """

    #: The column that counts each choice.
    COLUMNS: Mapping[str, str]

    quarantined = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def tallied(self) -> dict[str, int]:
        """How many of each choice are counted."""
        return {choice: getattr(self, column) for choice, column in self.COLUMNS.items()}

    @property
    def cast(self) -> models.QuerySet[Any]:
        """Everything that was cast on the subject, whatever its standing."""
        raise NotImplementedError

    @property
    def count(self) -> Any:
        """What is counted, with its shares and its words."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """What the votes are on, in words."""
        raise NotImplementedError

    def add(self, votes: int, choice: str, standing: str) -> None:
        """Count so many votes more, or less when negative; unsaved."""
        if standing == Standing.QUARANTINED:
            self.quarantined += votes
        elif standing == Standing.COUNTED:
            column = self.COLUMNS[choice]
            setattr(self, column, getattr(self, column) + votes)


def subject_indexes(subject: str, word: str) -> list[models.Index]:
    """Return the indexes by which screening, the night and the desk find what was cast.

    `subject` is the field that leads to what it was cast on, `word` what the indexes call that.
    """
    name = "%(app_label)s_%(class)s"
    return [
        *Screened.Meta.indexes,
        models.Index(fields=["-cast_at", "-id"], name=f"{name}_newest"),
        models.Index(fields=[subject, "-cast_at"], name=f"{name}_newest_on_{word}"),
        models.Index(fields=[subject, "-changed_at"], name=f"{name}_latest_on_{word}"),
        models.Index(
            fields=[subject, "address"],
            name=f"{name}_address_on_{word}",
            condition=Q(address__isnull=False),
        ),
        models.Index(
            fields=[subject, "-cast_at"],
            name=f"{name}_suspects",
            condition=Q(standing=Standing.QUARANTINED),
        ),
    ]


class Vote(Screened):
    """One reader's ship or skip on one tool. Written by `voting` and `moderation` alone."""

    SUBJECT = "tool"

    tool = models.ForeignKey(Tool, models.CASCADE, related_name="votes", db_index=False)
    choice = models.CharField(max_length=4, choices=Verdict.choices)

    class Meta:
        permissions = [("moderate_vote", "Can release and reject votes")]
        constraints = [
            *Screened.Meta.constraints,
            models.UniqueConstraint(
                fields=["tool", "voter"],
                name="reviews_vote_one_per_tool_and_voter",
                violation_error_message="This voter has voted on this tool already.",
            ),
            models.CheckConstraint(
                condition=Q(choice__in=Verdict.values),
                name="reviews_vote_choice_known",
                violation_error_message="A vote is ship or skip.",
            ),
        ]
        indexes = subject_indexes("tool", "tool")

    def __str__(self) -> str:
        return f"{self.get_choice_display()} on {self.tool}"

    def lock_tally(self) -> "Tally":
        return Tally.objects.select_for_update(no_key=True).get(pk=self.tool_id)


class Tally(ScreenedTally):
    """A tool's votes, counted. A tool that nobody has voted on has none."""

    COLUMNS = {Verdict.SHIP: "ships", Verdict.SKIP: "skips"}

    tool = models.OneToOneField(Tool, models.CASCADE, related_name="tally", primary_key=True)
    ships = models.PositiveIntegerField(default=0)
    skips = models.PositiveIntegerField(default=0)
    # What lists order by: see the properties of `Count`.
    rank = models.FloatField(default=0)
    contest = models.FloatField(default=0)
    agreement = models.FloatField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(fields=["-rank", "-tool"], name="reviews_tally_rank"),
            models.Index(fields=["-contest", "-tool"], name="reviews_tally_contest"),
            models.Index(fields=["-agreement", "-tool"], name="reviews_tally_agreement"),
        ]

    def __str__(self) -> str:
        return f"{self.tool}: {self.count.text}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row, with what lists order by."""
        count = self.count
        self.rank, self.contest, self.agreement = count.rank, count.contest, count.agreement
        super().save(*args, **kwargs)

    @property
    def count(self) -> Count:
        """The counted votes."""
        return Count(self.ships, self.skips)

    @property
    def cast(self) -> models.QuerySet[Vote]:
        return Vote.objects.filter(tool=self.pk)

    @property
    def subject(self) -> str:
        return self.tool.name


class AddressKey(models.Model):
    """The day's random key under which client addresses are hashed; see `client_addresses`."""

    day = models.DateField(primary_key=True)
    key = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"The key of {self.day}"


class Ruling(models.Model):
    """One act by which votes were released or rejected, by an editor or the nightly rule.

    The database keeps it as it is. Names stay when tools and accounts go.
    """

    subject = models.TextField(help_text="What the votes were on, as it was called then.")
    standing = models.CharField("votes now", max_length=11, choices=Standing.choices)
    votes = models.PositiveIntegerField(help_text="How many.")
    reason = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=150, blank=True, help_text="Empty: the nightly rule.")
    ruled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-ruled_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(standing__in=[Standing.COUNTED, Standing.REJECTED]),
                name="reviews_ruling_standing_known",
            ),
        ]
        indexes = [models.Index(fields=["-ruled_at", "-id"], name="reviews_ruling_newest")]
        triggers = [
            pgtrigger.Protect(name="ruling_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.votes} on {self.subject}: {self.get_standing_display()}"
