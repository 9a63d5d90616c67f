"""A column for the search in editors' texts; tools/migrations/0002_search.py tells why like this."""

from django.db import migrations

DO = """
ALTER TABLE comparisons_comparison
    ADD COLUMN search tsvector
    GENERATED ALWAYS AS (setweight(to_tsvector('english', summary), 'D')) STORED;
CREATE INDEX comparisons_comparison_search
    ON comparisons_comparison USING gin (search) WITH (fastupdate = off);
"""


class Migration(migrations.Migration):
    dependencies = [("comparisons", "0001_initial"), ("tools", "0002_search")]

    operations = [migrations.RunSQL(DO, "ALTER TABLE comparisons_comparison DROP COLUMN search")]
