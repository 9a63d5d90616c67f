"""Columns for the search, computed by Postgres itself whenever a row is written.

The models do not know them: nothing but the search reads them, and a model's field would be fetched
with every row of every page, at one to two kilobytes each.

Names are split at every sign and kept as they are ('simple'), because the parser takes `gpt-5` for
a negative number and a dot for a host name; prose is stemmed ('english'). A is the name, B the
vendor, C the tagline, D everything longer.
"""

from django.db import migrations

NAME = "name || ' ' || slug"
SIGNS = r"[!-/:-@\[-`{-~]+"


def words(text: str) -> str:
    return f"to_tsvector('simple', regexp_replace({text}, '{SIGNS}', ' ', 'g'))"


NAMES = f"setweight({words(NAME)}, 'A')"
PROSE = (
    "setweight(to_tsvector('english', tagline), 'C') || "
    "setweight(to_tsvector('english', description), 'D')"
)

COLUMNS = f"""
ALTER TABLE tools_tool
    ADD COLUMN search_names tsvector GENERATED ALWAYS AS ({NAMES}) STORED,
    ADD COLUMN search tsvector GENERATED ALWAYS AS ({NAMES} || {PROSE}) STORED;
ALTER TABLE tools_vendor
    ADD COLUMN search tsvector
    GENERATED ALWAYS AS (setweight({words(NAME)}, 'B')) STORED;
"""
# Without the list of changes that wait to be merged, which would be read by every search.
INDEXES = """
CREATE INDEX tools_tool_search_names ON tools_tool USING gin (search_names) WITH (fastupdate = off);
CREATE INDEX tools_tool_search ON tools_tool USING gin (search) WITH (fastupdate = off);
CREATE INDEX tools_vendor_search ON tools_vendor USING gin (search) WITH (fastupdate = off);
"""
UNDO = """
ALTER TABLE tools_tool DROP COLUMN search_names, DROP COLUMN search;
ALTER TABLE tools_vendor DROP COLUMN search;
"""


class Migration(migrations.Migration):
    dependencies = [("tools", "0001_initial")]

    operations = [migrations.RunSQL(COLUMNS + INDEXES, UNDO)]
