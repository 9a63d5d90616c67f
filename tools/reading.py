"""Reading without writing: which views do nothing else, and SQL that goes where their queries go.

The databases themselves are the project's matter (`shiporskip/replicas.py`); here is only what the
rooms have to say about it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections, router

from .models import Tool

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "reading"
_ANYWHERE, _PRIMARY = "anywhere", "primary"


def anywhere(view: View) -> View:
    """Mark a view as one that only reads, and bears what a replica does not know yet."""
    vars(view).setdefault(_MARK, _ANYWHERE)
    return view


def up_to_date(view: View) -> View:
    """Mark a view as one that has to see what was just written; stronger than `anywhere`.

    Decorators that keep a view's attributes, as `functools.wraps` does, keep this mark.
    """
    vars(view)[_MARK] = _PRIMARY
    return view


def bears_replicas(view: Callable[..., Any]) -> bool:
    """Whether a view may read from a replica."""
    return getattr(view, _MARK, _PRIMARY) == _ANYWHERE


def reading_cursor() -> Any:
    """Return a cursor for SQL that only reads, on the database that queries read from now."""
    return connections[router.db_for_read(Tool)].cursor()
