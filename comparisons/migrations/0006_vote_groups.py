"""Who may look at votes and decide on them. docs/editors.md says it."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

MAY = ["view_vote", "moderate_vote", "view_ruling"]
GROUPS = ["Editor", "Administrator"]


def grant(apps, schema_editor):
    # Permissions are made after all migrations; these groups need theirs now.
    create_permissions(installed.get_app_config("reviews"), verbosity=0, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="reviews", codename__in=MAY
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [("comparisons", "0005_versions"), ("reviews", "0004_votes")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
