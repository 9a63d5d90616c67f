"""The groups that an editorial team works in. docs/editors.md says who may do what."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

CONTENT = ("tool", "review", "comparison")
FACTS = ("vendor", "category", "plan", "price")


def _may(acts, models):
    return [f"{act}_{model}" for model in models for act in acts]


SEES = _may(["view"], [*CONTENT, *FACTS, "revision", "act"])
WRITES = _may(["add", "change"], [*CONTENT, "vendor", "plan", "price"])
GROUPS = {
    # Drafts only: what is scheduled or public is out of reach (tools.publishing.may_edit).
    "Author": [*SEES, *WRITES],
    "Editor": [
        *SEES, *WRITES, *_may(["add", "change"], ["category"]),
        *_may(["delete"], ["comparison", "plan", "vendor", "category"]),
        *_may(["publish", "schedule"], CONTENT),
    ],
    "Publisher": [
        *SEES, *_may(["add", "change"], ["plan", "price"]), *_may(["schedule"], CONTENT),
    ],
    "Administrator": [
        *SEES, *_may(["add", "change", "delete"], [*CONTENT, *FACTS]),
        *_may(["publish", "schedule"], CONTENT), *_may(["add", "change", "delete", "view"], ["user"]),
        "view_group", "view_logentry",
    ],
}  # fmt: skip


def make_groups(apps, schema_editor):
    # Permissions are made after all migrations; these groups need theirs now.
    for label in ("tools", "reviews", "comparisons", "auth", "admin"):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(codename__in=codenames))


def remove_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("comparisons", "0003_publishing"),
        ("reviews", "0003_publishing"),
        ("tools", "0003_publishing"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [migrations.RunPython(make_groups, remove_groups)]
