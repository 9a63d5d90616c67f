import pytest
from django.core.exceptions import ValidationError

from tools.markdown import MAX_LENGTH, normal_text, render_markdown, validate_markdown


def test_what_an_argument_needs_is_rendered():
    source = "It is **good**.\n\n- one\n- two\n\n`code` and [a link](https://example.org)"
    assert render_markdown(source) == (
        "<p>It is <strong>good</strong>.</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
        "<p><code>code</code> and "
        '<a href="https://example.org" rel="nofollow noopener">a link</a></p>'
    )


PIECES = ["[", "*", "> ", "`", "- ", "  - ", "1. ", "<", "|", "#", "![](", "[a](", "<a ", "&", "_"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_pile_of_one_sign_is_either_refused_or_rendered(piece):
    source = piece * (MAX_LENGTH // len(piece))
    try:
        validate_markdown(source)
    except ValidationError:
        return
    assert render_markdown(source)


@pytest.mark.parametrize("source", ["- " * 5000, "  - " * 500, "1. " * 600, "> " * 300, "[" * 900])
def test_what_would_take_for_ever_is_refused(source):
    with pytest.raises(ValidationError):
        validate_markdown(source)


@pytest.mark.parametrize(
    "source",
    ["- one\n    - two\n        - three", "> > quoted", "- - - -", "[a](https://b.example) " * 99],
)
def test_what_people_write_is_not_refused(source):
    validate_markdown(source)


def test_line_ends_are_kept_in_one_way():
    assert normal_text("one\r\ntwo\rthree\n") == "one\ntwo\nthree\n"


@pytest.mark.parametrize("source", ["", "\x0b\x0c\u2028", "\ufffe", "&#0;", "\u202e" * 10])
def test_odd_characters_are_no_fault(source):
    assert isinstance(render_markdown(source), str)


def test_one_text_leaves_nothing_behind_for_the_next():
    render_markdown("[ref]: https://example.org\n\n# Title")
    assert render_markdown("[ref]") == "<p>[ref]</p>"


def test_headings_start_below_those_of_the_page():
    assert render_markdown("# One\n\n## Two") == "<h5>One</h5>\n<h6>Two</h6>"
