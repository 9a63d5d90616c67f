"""How values and places of a document are named in a message."""

import json
import re
from typing import Any

LONGEST_QUOTE = 60


def shown(value: Any) -> str:
    """Return a value as it stands in JSON, short and safe to print on a terminal."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        # A text may be as long as the document, and only its beginning is going to be shown.
        value = value[: LONGEST_QUOTE + 1]
    text = "".join(
        # Neither control characters, which a terminal would obey, nor what UTF-8 cannot carry.
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in json.dumps(value, ensure_ascii=False)
    )
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"


def located(place: str, steps: tuple[str | int, ...]) -> str:
    """Return the place that these keys and positions lead to: `tools[3].reviews[1].score`."""
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", step):
            place += f"[{shown(step)}]"
        else:
            place += f".{step}" if place else step
    return place
