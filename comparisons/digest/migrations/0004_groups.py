"""Who may do what with the digest. docs/editors.md says it."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

SEES = ["view_edition"]
SENDS = [
    *SEES, "change_edition", "send_edition", "view_delivery", "view_keptmail",
    "view_subscriber", "change_subscriber", "view_suppression", "add_suppression",
    "delete_suppression",
]  # fmt: skip
GROUPS = {
    "Author": SEES,
    "Publisher": SEES,
    "Editor": SENDS,
    "Administrator": [*SENDS, "delete_subscriber", "export_subscriber"],
}


def grant(apps, schema_editor):
    # Permissions are made after all migrations; these groups need theirs now.
    create_permissions(installed.get_app_config("digest"), verbosity=0, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="digest"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(*permissions.filter(codename__in=GROUPS[group.name]))


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0003_postponed_and_forgotten"),
        ("comparisons", "0004_groups"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
