"""How a history that is told again is joined to the one that is kept."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Kept = TypeVar("Kept")
Told = TypeVar("Told")


def continuation(
    kept: Sequence[Kept], told: Sequence[Told], same: Callable[[Kept, Told], bool]
) -> Sequence[Told]:
    """Return what has to be appended to `kept` after a history was told, both oldest first.

    As much of the beginning of `told` as occurs in `kept` in that order, with or without other
    states between, is known; the rest is new. The last state told always ends up last: where all
    of it is known but something else has been kept since, that last state alone is told again.

    So telling the same again adds nothing, whatever was appended by it the first time; telling
    only the newest adds nothing; and telling an old state, alone or at the end of its history,
    goes back to it as a new state.
    """
    known = 0
    for state in kept:
        if known < len(told) and same(state, told[known]):
            known += 1
    if known < len(told):
        return told[known:]
    if told and not same(kept[-1], told[-1]):
        return told[-1:]
    return []
