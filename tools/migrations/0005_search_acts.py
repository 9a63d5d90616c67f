"""An index for the search of acts, which grow by one with everything that is published."""

from django.db import migrations

WORDS = r"""
CREATE FUNCTION tools_act_words(name text, by text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT to_tsvector('simple', regexp_replace(name || ' ' || by, '[!-/:-@\[-`{-~]+', ' ', 'g')) $$
"""
INDEX = """
CREATE INDEX tools_act_search ON tools_act USING gin (tools_act_words(name, by::text))
"""


class Migration(migrations.Migration):
    dependencies = [("tools", "0004_versions")]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION tools_act_words(text, text)"),
        migrations.RunSQL(INDEX, "DROP INDEX tools_act_search"),
    ]
