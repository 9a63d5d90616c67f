"""Which subscribers, editions and deliveries a page or a worker needs, in domain words."""

from collections import Counter
from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now


class SuppressionQuerySet(models.QuerySet[Any]):
    """Addresses that get no mail."""

    def holds(self, fingerprints: list[bytes]) -> bool:
        """Whether an address is suppressed, given its hashes under every key."""
        return self.filter(fingerprint__in=fingerprints).exists()


class SubscriberQuerySet(models.QuerySet[Any]):
    """Those who asked for the digest."""

    def wanting(self) -> Self:
        """Return those who are on the list: confirmed, not left, not suppressed."""
        suppressions: Any = self.model._meta.apps.get_model("digest", "Suppression")
        suppressed = suppressions.objects.filter(fingerprint=OuterRef("fingerprint"))
        return self.filter(~Exists(suppressed), status="active")


class EditionQuerySet(models.QuerySet[Any]):
    """Editions, by week."""

    def public(self) -> Self:
        """Return those that readers may see in the archive, the newest first."""
        return self.filter(status__in=["sending", "paused", "done"]).order_by("-week")

    def told(self) -> Self:
        """Return those that went out or will: what they say is no news any more."""
        return self.exclude(status__in=["draft", "cancelled"]).order_by("-week")

    def due(self) -> Self:
        """Return the approved editions whose moment has come by Postgres, the oldest first."""
        return self.filter(status="approved", starts_at__lte=Now()).order_by("starts_at")


class DeliveryQuerySet(models.QuerySet[Any]):
    """Mails of editions to single subscribers."""

    def counts(self) -> Counter[str]:
        """Return how many there are of each status."""
        rows = self.order_by().values_list("status").annotate(count=models.Count("pk"))
        return Counter(dict(rows))

    def waiting(self) -> Self:
        """Return those whose fate is open: not sent yet, or just being sent."""
        return self.filter(Q(status="pending") | Q(status="sending"))
