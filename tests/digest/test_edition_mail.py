"""What an edition looks like as a mail: html and text, whatever tools are called."""

import re
from dataclasses import replace
from types import SimpleNamespace

import lxml.html
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from comparisons.digest.content import Content
from comparisons.digest.items import (
    Argument,
    Contested,
    Disagreement,
    NewComparison,
    NewVerdict,
    PriceChange,
    Reversal,
    Section,
)
from comparisons.digest.messages import Letter
from comparisons.digest.plain import WIDTH, isolated, plain
from comparisons.digest.rendering import (
    MOST,
    MOST_BYTES,
    check_size,
    digest_of,
    encoded_size,
    media_styles,
    outlook_styles,
    period_of,
    render,
    rendering_for,
)
from tests.digest.cast import edition

HOSTILE = [
    "<script>alert(1)</script>",
    "\"quotes\" & 'apostrophes' </td></table><h1>",
    "W" * 80,
    "بحث متجهي سريع (v2)",
    "🚀" * 80,
    "{{ 7*7 }} {% raw %} [[content]] %s =01",
    ".",
    "From the start > here * and _there_ [link](x)",
]


def full(name="Alpha", count=30, text=None):
    """Return content with more of everything than fits."""
    text = text or name

    def items(kind, **facts):
        return Section(
            tuple(
                kind(key=f"{kind.__name__}/{n}", categories=(1,), address=f"/tools/t-{n}/", **facts)
                for n in range(count)
            )
        )

    named = {"name": name, "cells": "sx-s"}
    argument = Argument("builder", "ship", 90, text)
    return Content(
        verdicts=items(NewVerdict, **named, category=name, tagline=text, score=71.25, entry="Free"),
        reversals=items(
            Reversal, **named, persona="skeptic", before="ship", after="skip", reason=text,
            on="2026-11-20",
        ),
        prices=items(
            PriceChange, **named, plan=name, before="USD 20.00", after="USD 25.00 per month",
            change="+25%", on="2026-11-20",
        ),
        comparisons=items(
            NewComparison, names=(name, name), cells=("ssss", "sx-s"),
            verdict=("", name, " wins on the panel"),
            reason=("4 of 4 personas ship it, against 2 of 4 for ", name, "."),
        ),
        contested=items(
            Contested, **named, category=name,
            arguments=(argument, replace(argument, persona="founder", verdict="skip", score=None)),
        ),
        disagreements=items(Disagreement, **named, ships=10, skips=90),
    )  # fmt: skip


def drawn(content, intro="", week="2026-W48"):
    return render(SimpleNamespace(week=week, intro=intro, content=content.to_json()))


def tree(html):
    return lxml.html.fromstring(html)


def said(html):
    return " ".join(tree(html).text_content().split())


def test_every_kind_of_news_is_there_in_words():
    drawing = drawn(full(count=1))
    for words in (
        "1 new verdict", "1 flipped", "1 price change", "1 comparison",
        "Panel: 2 ship, 1 skip, the Skeptic skips, 1 to come · mean score 71.2 · entry free",
        "The Skeptic: ship → skip", "20 Nov 2026",
        "USD 20.00 → USD 25.00 per month", "+25% · from 20 Nov 2026",
        "Alpha vs Alpha", "Alpha wins on the panel: 4 of 4 personas ship it, against 2 of 4",
        "Builder, 90/100 · ship", "Founder, skip", "10% ship",
    ):  # fmt: skip
        assert words in said(drawing.html)
    for words in (
        "Alpha: Pending", "Panel: 2 ship, 1 skip, the Skeptic skips", "mean score 71.2",
        "Alpha, the Skeptic: ship → skip", "USD 20.00 → USD 25.00 per month", "Alpha vs Alpha",
        "The Builder, 90/100 · ship: Alpha", "The Founder, skip: Alpha",
        "readers: 10% ship of 100 votes",
    ):  # fmt: skip
        assert words in " ".join(drawing.text.split())


def test_the_strip_is_four_cells_with_their_verdict_and_words_below():
    page = tree(drawn(full(count=1)).html)
    (strip, *_) = page.cssselect("table.verdict table.strip")
    assert [cell.get("class") for cell in strip.cssselect(".box")] == [
        "box box-ship", "box box-skip", "box box-none", "box box-ship",
    ]  # fmt: skip
    assert strip.get("aria-hidden") == "true"


def test_what_is_left_out_is_counted_with_the_way_to_it():
    page = tree(drawn(full()).html)
    more = {link.text_content(): link.get("href") for link in page.cssselect("a.accent")}
    assert more == {
        "and 22 more new verdicts": f"{settings.SITE_URL}/tools/",
        "and 24 more verdicts that flipped": f"{settings.SITE_URL}/corrections/",
        "and 22 more price changes": f"{settings.SITE_URL}/",
        "and 25 more comparisons": f"{settings.SITE_URL}/compare/",
    }
    assert len(page.cssselect("h3")) == sum(MOST.values())


def test_styles_stand_in_attributes_and_nothing_is_loaded():
    html = drawn(full(), intro="A [link](https://example.org/).").html
    page = tree(html)
    assert not page.cssselect("style, img, script, link, svg, form")
    assert "url(" not in html
    assert all(row.get("style") for row in page.cssselect(".row, .name, .small, .stamp, .box"))
    assert all(table.get("role") == "presentation" for table in page.cssselect("table"))
    assert {link.get("href").split(":")[0] for link in page.cssselect("a")} == {"http", "https"}


def test_the_same_content_is_the_same_bytes():
    assert drawn(full()) == drawn(Content.from_json(full().to_json()))
    drawing = drawn(full())
    assert drawing.digest == digest_of(drawing.html, drawing.text)
    assert digest_of("a", "b") != digest_of("ab", "")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name):
    drawing = drawn(full(name, count=2))
    page = tree(drawing.html)
    assert [own.text_content() for own in page.cssselect("h3 span[dir=auto]")] == [name] * 13
    assert not page.cssselect("script, h1")
    assert page.cssselect("table.news")
    assert name in drawing.text or name.split()[0] in drawing.text


def test_a_name_from_right_to_left_turns_nothing_around_it():
    assert isolated("Alpha") == "Alpha"
    assert isolated("بحث") == "\u2068بحث\u2069"
    drawing = drawn(full("بحث", count=1))
    assert "\u2068بحث\u2069: Pending" in drawing.text
    assert '<span dir="auto">بحث</span>' in drawing.html


@pytest.mark.parametrize("name", ["Alpha Beta", "🚀" * 80, "W" * 80, "ش" * 80, '"' * 80])
@pytest.mark.django_db
def test_a_full_edition_stays_below_what_mail_programs_cut_off(name):
    made = edition(
        "2026-W48", "draft", content=full(name, text=(name * 3)[:240]).to_json(),
        intro="Word " * 200,
    )  # fmt: skip
    letter = Letter.of(made, [])
    assert encoded_size(letter.html) < MOST_BYTES
    assert all(f"more {words}" in letter.text for words in ("new verdicts", "comparisons"))
    check_size(render(made))


def test_an_introduction_that_is_too_long_is_refused():
    with pytest.raises(ValidationError, match="shorten the introduction"):
        check_size(drawn(full(count=1), intro="ü" * 19_000))


def test_the_introduction_comes_first_sanitised_and_with_headings_of_this_page():
    intro = (
        "# Title\n\nHello <script>alert(1)</script> *there*\n\n> quoted\n\n| a |\n|---|\n| b |\n"
    )
    page = tree(drawn(full(count=1), intro).html)
    assert page[0].get("class") == "intro"
    assert page.cssselect(".intro h2")[0].text_content() == "Title"
    assert page.cssselect(".intro blockquote.quote")
    assert page.cssselect(".intro td.grid")
    assert not page.cssselect("script, h5, [tabindex]")


def test_without_an_introduction_there_is_no_room_for_one():
    assert not tree(drawn(full(count=1)).html).cssselect(".intro")
    assert drawn(full(count=1)).text.startswith("NEW VERDICTS\n------------\n\nAlpha")


def test_the_text_is_wrapped_with_addresses_on_lines_of_their_own():
    text = drawn(full(text="Some words of a sentence. " * 9), intro="Words and words. " * 30).text
    for line in text.splitlines():
        assert len(line) <= WIDTH
        assert line == line.rstrip()
        assert "://" not in line or re.fullmatch(r"https?://\S+", line)
    assert "\n\n\n" not in text
    assert not re.search(r"</?\w+>|&\w+;", text)


def test_markdown_becomes_plain_paragraphs():
    html = (
        "<h5>Title</h5><p>One <em>two</em> &amp; <a href='https://example.org/x'>three</a>, "
        "<a href='https://example.org/'>https://example.org/</a>.</p>"
        "<ul><li>first</li><li>second<ol><li>inner</li></ol></li></ul>"
        "<blockquote><p>quoted</p></blockquote><pre><code>a = 1\n  b</code></pre><hr>"
        "<table><tr><th>a</th><th>b</th></tr></table><p>x<br>y</p>"
    )
    assert plain(html) == (
        "Title\n\n"
        "One two & three, https://example.org/.\nhttps://example.org/x\n\n"
        "- first\n- second\n  1. inner\n\n"
        "> quoted\n\n    a = 1\n      b\n\n* * *\n\na | b\n\nx\ny"
    )


def test_hostile_html_is_only_text():
    assert plain("<p>a &lt;b&gt; c</p>") == "a <b> c"
    assert plain("") == ""
    assert plain("</li></ul></blockquote>x") == "x"


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ((2026, 11, 19), (2026, 11, 26), "19–26 Nov 2026"),
        ((2026, 11, 26), (2026, 12, 3), "26 Nov – 3 Dec 2026"),
        ((2026, 12, 30), (2027, 1, 6), "30 Dec 2026 – 6 Jan 2027"),
        ((2026, 11, 26), (2026, 11, 26), "26 Nov 2026"),
    ],
)
def test_the_period_is_told_in_few_words(since, until, words):
    from datetime import UTC, datetime

    moments = {"since": datetime(*since, tzinfo=UTC), "until": datetime(*until, 8, tzinfo=UTC)}
    assert period_of(SimpleNamespace(**moments)) == words


@pytest.mark.django_db
def test_the_mail_around_it_names_every_way_out():
    made = edition("2026-W48", "draft", "A <subject> & more", content=full(count=1).to_json())
    letter = Letter.of(made, [])
    page = tree(letter.html)
    assert page.cssselect("title")[0].text == "A <subject> & more"
    assert page.cssselect("h1")[0].text_content() == "A <subject> & more"
    assert page.cssselect(".preheader")[0].text.startswith("1 new verdict, 1 verdict flipped")
    links = {link.text_content(): link.get("href") for link in page.cssselect(".footer a")}
    assert set(links) == {"Unsubscribe", "Preferences", "Read it on the web"}
    assert links["Read it on the web"].endswith("/digest/2026-w48/")
    assert "You get this because you asked for the weekly digest" in said(letter.html)
    assert "You get this because you asked for the weekly digest" in letter.text
    assert render(made).html in letter.html


@pytest.mark.django_db
def test_the_postal_address_is_in_both_parts(settings):
    settings.DIGEST_POSTAL_ADDRESS = "Example <House>,\n1 Example Street"
    letter = Letter.of(edition("2026-W48", "draft", content=full(count=1).to_json()), [])
    assert "Example <House>, 1 Example Street" in letter.text
    assert "Example &lt;House&gt;, 1 Example Street" in letter.html


def test_dark_mode_stands_in_the_head_once_for_all_and_once_for_outlook():
    assert "@media (prefers-color-scheme:dark){.paper{background:#14181b !important}" in (
        media_styles().replace(";}", "}")
    )
    assert outlook_styles().startswith("[data-ogsc] .paper{background:#14181b !important;}")
    assert outlook_styles().count("{") == outlook_styles().count("}") > 20
    assert "@" not in outlook_styles()
    assert "}}" not in media_styles()


@pytest.mark.django_db
def test_a_subset_is_rendered_from_the_same_content():
    now = timezone.now()
    content = replace(full(count=1), prices=Section())
    made = edition(
        "2026-W48", "approved", content=content.to_json(), html="<p>x</p>", text="x", starts_at=now
    )
    assert rendering_for(made, []).html == "<p>x</p>"
    assert rendering_for(made, [1]) == drawn(content)
    assert "New verdicts" not in rendering_for(made, [2]).html
