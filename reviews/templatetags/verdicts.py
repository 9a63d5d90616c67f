"""The site's own panel strip in the desk, whose templates are Django's."""

from typing import Any

from django import template
from django.template import engines

from reviews.scorecards import PanelStrip

register = template.Library()


def _macros() -> Any:
    environment: Any = engines["jinja2"]
    return environment.env.get_template("macros/verdicts.html").module


@register.simple_tag
def panel_strip(strip: PanelStrip) -> str:
    """Draw four verdicts; the page has to have the sprite."""
    return _macros().panel_strip(strip)


@register.simple_tag
def sprite() -> str:
    """Return the symbols that strips are drawn with, once a page."""
    return _macros().sprite()
