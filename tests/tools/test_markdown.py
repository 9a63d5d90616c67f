import pytest

from tools.markdown import render_markdown


def test_what_an_argument_needs_is_rendered():
    source = "It is **good**.\n\n- one\n- two\n\n`code` and [a link](https://example.org)"
    assert render_markdown(source) == (
        "<p>It is <strong>good</strong>.</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
        "<p><code>code</code> and "
        '<a href="https://example.org" rel="nofollow noopener">a link</a></p>'
    )


@pytest.mark.parametrize(
    "piece", ["[", "*", "> ", "`", "- ", "<", "|", "#", "![](", "<a ", "&", "\t"]
)
def test_no_pile_of_one_sign_is_a_fault(piece):
    assert "<script" not in render_markdown(piece * 1000)


@pytest.mark.parametrize("source", ["", "\x0b\x0c\u2028", "\ufffe", "&#0;", "\u202e" * 10])
def test_odd_characters_are_no_fault(source):
    assert isinstance(render_markdown(source), str)


def test_one_text_leaves_nothing_behind_for_the_next():
    render_markdown("[ref]: https://example.org\n\n# Title")
    assert render_markdown("[ref]") == "<p>[ref]</p>"


def test_headings_start_below_those_of_the_page():
    assert render_markdown("# One\n\n## Two") == "<h5>One</h5>\n<h6>Two</h6>"
