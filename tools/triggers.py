"""What the database watches over beyond constraints."""

import pgtrigger


def kept_with(owner: str, column: str, name: str) -> pgtrigger.Trigger:
    """Return the trigger that refuses to delete rows while their owner stays.

    A history is append-only, so its rows leave only together with what they are the history of.
    The look is taken when the transaction commits, because Django deletes the rows first.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        timing=pgtrigger.Deferred,
        func=f"""
            IF EXISTS (SELECT FROM {owner} WHERE id = OLD.{column}) THEN
                RAISE EXCEPTION 'Rows of % are kept as long as what they belong to.', TG_TABLE_NAME;
            END IF;
            RETURN NULL;
        """,
    )


def versions_kept(*columns: str) -> pgtrigger.Trigger:
    """Return the trigger that keeps what a row says, whenever that changes: `tools.models.Version`.

    The database does it, so that an import, `QuerySet.update` and SQL leave a version like a form
    does; who acts and why it knows from `tools.publishing.acting`.
    """
    content = ", ".join(f"'{column}', NEW.{column}" for column in columns)
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
    return pgtrigger.Trigger(
        name="versions_kept",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        # Columns are named by ourselves.
        func=f"""
            IF ({new}) IS DISTINCT FROM ({old}) THEN
                INSERT INTO tools_version (kind, row_id, content, by, reason, recorded_at)
                VALUES (TG_TABLE_NAME, NEW.id, jsonb_build_object({content}),
                    coalesce(current_setting('shiporskip.by', true), ''),
                    coalesce(current_setting('shiporskip.reason', true), ''),
                    clock_timestamp());
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - names and SQL of ours
    )


def change_noted() -> pgtrigger.Trigger:
    """Return the trigger that tells kept pages of every write to a table: `changes.ContentChange`.

    Once for each statement, however many rows it writes. For what editors publish; what readers
    cast is shown when a page is made anew anyway.
    """
    return pgtrigger.Trigger(
        name="change_noted",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func="""
            INSERT INTO tools_contentchange DEFAULT VALUES;
            RETURN NULL;
        """,
    )
