"""That something changed for readers: what kept pages are held against."""

from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Count, Max, Min
from django.db.models.functions import Now
from django.utils import timezone

#: A row has done its work once every process has looked, which takes a second.
KEPT = timedelta(days=1)


class ContentChange(models.Model):
    """One statement that wrote something which readers may see.

    The database adds it in the transaction that writes (`triggers.change_noted`), whoever does.
    Each has a row of its own, because writers would queue for one that they all count up.
    """

    noted_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"A change at {self.noted_at}"


#: Told apart and nothing else: which changes are there.
ContentVersion = tuple[int | None, int | None, int]


def content_version(database: str = DEFAULT_DB_ALIAS) -> ContentVersion:
    """Return the version of everything that readers may see, as far as a database knows of it.

    It differs whenever changes were committed since, in whatever order: one with a small key that
    comes late does not move the largest key, but the number of rows. Forgetting moves the smallest.
    """
    found: dict[str, Any] = ContentChange.objects.using(database).aggregate(
        first=Min("pk"), last=Max("pk"), rows=Count("pk")
    )
    return found["first"], found["last"], found["rows"]


def forget_changes(now: datetime | None = None) -> int:
    """Delete the old rows but the newest of all, and return how many they were.

    The newest stays, so that no later version is like one that was before.
    """
    old = ContentChange.objects.filter(noted_at__lte=(now or timezone.now()) - KEPT)
    newest = ContentChange.objects.order_by("-pk").values("pk")[:1]
    return old.exclude(pk__in=newest).delete()[0]
