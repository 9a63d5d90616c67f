"""Templates say what they said before they were quick."""

import pytest
from django.db import connection
from django.template import engines
from jinja2 import UndefinedError
from markupsafe import Markup

from comparisons.lineups import find_lineup
from reviews.scorecards import PanelStrip
from tests import cast


@pytest.fixture
def draw():
    return lambda source, **context: engines["jinja2"].from_string(source).render(context)


def test_values_of_a_page_are_escaped_and_safe_ones_are_not(draw):
    assert draw("{{ a }}{{ b }}", a="<i>", b=Markup("<b>")) == "&lt;i&gt;<b>"
    assert draw("{% macro m(x) %}<p>{{ x }}</p>{% endmacro %}{{ m(a) }}", a="<") == "<p>&lt;</p>"
    assert draw("{% set x %}<p>{{ a }}</p>{% endset %}{{ x }}", a="&") == "<p>&amp;</p>"


def test_what_is_missing_is_still_an_error(draw):
    with pytest.raises(UndefinedError):
        draw("{{ nothing }}")


def test_what_never_changes_is_written_into_the_template(draw):
    env = engines["jinja2"].env
    for source, text in (
        ("{{ url('home') }}", "/"),
        ('{{ url("tool", "alpha") }}', "/tools/alpha/"),
        ("{{ site_name }}", "Ship or Skip"),
    ):
        assert f"'{text}'" in env.compile(source, raw=True)
        assert draw(source) == text


@pytest.mark.parametrize(
    "source",
    ["{{ url('tool', slug) }}", "{{ url('tool', 'be' ~ 'ta') }}", "{{ site_name | upper }}",
     "{{ url('tool', 'beta') ~ '' }}", "{{ {'a': url('home')}['a'] }}", "{{ site_name if slug }}"],
)  # fmt: skip
def test_what_may_change_is_worked_out_each_time(draw, source):
    compiled = engines["jinja2"].env.compile(source, raw=True)
    assert "Ship or Skip" not in compiled
    assert "/tools/" not in compiled
    assert draw(source, slug="beta") in {"/tools/beta/", "SHIP OR SKIP", "/", "Ship or Skip"}


def test_marks_and_stamps_are_drawn_once_for_what_they_show(draw):
    strip = PanelStrip.parse("ssx-")
    first = draw("{{ panel_strip(strip) }}", strip=strip)
    assert 'aria-label="Panel: 2 ship, 1 skip' in first
    assert draw("{{ panel_strip(strip) }}", strip=PanelStrip.parse("ssx-")) == first
    assert draw("{{ panel_strip(strip, named=true) }}", strip=strip) != first
    remembered = engines["jinja2"].env.globals["panel_strip"]
    assert remembered.cache_info().hits >= 1


@pytest.mark.django_db
def test_postgres_plans_the_queries_of_a_comparison_once():
    pair = [cast.alpha().slug, cast.beta().slug]
    for _ in range(12):
        find_lineup(pair)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%%reviews_tally tally%%'"
            " OR statement LIKE '%%comparisons_comparison comparison%%'"
        )
        plans = cursor.fetchall()
    assert len(plans) >= 2
    assert all(generic >= 3 for generic, _ in plans), plans
