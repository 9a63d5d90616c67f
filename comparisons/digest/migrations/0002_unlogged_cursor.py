"""Cursors are written once a mail and are worth nothing after a crash: see `lanes`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("digest", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE digest_cursor SET UNLOGGED", "ALTER TABLE digest_cursor SET LOGGED"
        )
    ]
