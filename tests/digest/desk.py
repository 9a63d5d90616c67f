"""Who works at the desk, and editions with something in them, for the tests of its pages."""

from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from comparisons.digest import editions
from comparisons.digest.models import Delivery, Edition
from tests import cast
from tests.digest.cast import subscriber
from tools.models import Tool

LIST = "/admin/digest/edition/"
GROUPS = ("Author", "Editor", "Publisher", "Administrator")


def member(group, name=None, email="mira@example.org"):
    """Return a browser in which a member of a group is logged in."""
    user = User.objects.create_user(name or group.lower(), email=email, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    client.user = user
    return client


def draft():
    """Return this week's draft, which tells of Alpha, and maybe of more."""
    if not Tool.objects.filter(slug="alpha").exists():
        cast.alpha()
    week, _ = editions.next_slot(timezone.now())
    made = editions.draft(week, timezone.now() + timedelta(seconds=1))
    assert made, "there is nothing to tell"
    return made


def approved():
    edition = draft()
    digest = editions.render(edition).digest
    editions.approve(edition, "mira", timezone.now() + timedelta(hours=1), digest)
    return edition


def sending(*addresses):
    """Return an edition that is on its way to these addresses."""
    for address in addresses:
        subscriber(address)
    edition = approved()
    editions.start(edition)
    return edition


def paused(*addresses):
    edition = sending(*addresses)
    editions.pause(edition, "The server refused us.")
    return edition


def worker(seen_ago=timedelta()):
    """Return the key of a worker that gave its last sign of life so long ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_register_worker_v1()")
        (key,) = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - %s WHERE id = %s",
            [seen_ago, key],
        )
    return key


def page_of(edition):
    return f"{LIST}{edition.pk}/change/"


def unknown(edition, *deliveries):
    """Have nobody know of these deliveries of an edition, or of all."""
    rows = Delivery.objects.filter(edition=edition)
    if deliveries:
        rows = rows.filter(pk__in=[row.pk for row in deliveries])
    rows.update(status="unknown", reply="The worker was lost.", ended_at=timezone.now())
    return list(rows.order_by("pk"))


def reread(edition):
    return Edition.objects.get(pk=edition.pk)
