"""How a history told again is joined to the one that is kept."""

from itertools import product
from operator import eq

import pytest

from tools.sequences import continuation


@pytest.mark.parametrize(
    ("kept", "told", "news"),
    [
        ("", "", ""),
        ("", "abc", "abc"),  # all of it is new
        ("abc", "", ""),  # nothing told, nothing added
        ("abc", "abc", ""),  # the same again
        ("abc", "c", ""),  # the newest alone
        ("abc", "bc", ""),  # the newest few
        ("abc", "ac", ""),  # with a gap
        ("abc", "abcd", "d"),  # one more
        ("abc", "cd", "d"),
        ("abc", "a", "a"),  # an old state alone goes back to it
        ("abc", "ab", "b"),  # and so does an old history, without being told all over again
        ("abcx", "abcd", "d"),  # what came between stays
        ("abcx", "abc", "c"),
        ("aba", "ab", "b"),  # back and forth
        ("ab", "aba", "a"),
        ("a", "b", "b"),
        ("a", "ba", "ba"),  # what comes before the first cannot be put in front of it
    ],
)
def test_only_what_is_new_is_added(kept, told, news):
    assert "".join(continuation(kept, told, eq)) == news


HISTORIES = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]


@pytest.mark.parametrize("kept", HISTORIES)
def test_a_history_told_again_adds_nothing_and_ends_with_what_was_told_last(kept):
    for told in HISTORIES[1:]:
        after = kept + "".join(continuation(kept, told, eq))
        assert after.startswith(kept)
        assert after[-1] == told[-1]
        assert list(continuation(after, told, eq)) == []
