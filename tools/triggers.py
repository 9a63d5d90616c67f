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
