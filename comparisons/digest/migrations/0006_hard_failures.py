import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0005_change_noted"),
    ]

    operations = [
        migrations.AddField(
            model_name="lane",
            name="hard_at",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                db_default=[],
                default=list,
                help_text="For each recent hard failure, how many deliveries of all lanes it came "
                "after.",
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="lane",
            name="hard",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="lane",
            name="tried",
            field=models.PositiveIntegerField(
                default=0, help_text="Deliveries since counting began."
            ),
        ),
    ]
