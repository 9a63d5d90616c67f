"""A column for the search in arguments; tools/migrations/0002_search.py tells why it is like this."""

from django.db import migrations

DO = """
ALTER TABLE reviews_review
    ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED;
CREATE INDEX reviews_review_search ON reviews_review USING gin (search) WITH (fastupdate = off);
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_initial")]

    operations = [migrations.RunSQL(DO, "ALTER TABLE reviews_review DROP COLUMN search")]
