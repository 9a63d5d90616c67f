"""Markdown as editors write it, turned once into HTML that is safe to send."""

import re
import threading
from typing import Any

import markdown
import nh3
from django import forms
from django.core.exceptions import ValidationError
from django.db import models

# What an argument or a description needs. Pictures are left out on purpose: a page loads nothing
# from another host. Headings start at h5 because they stand below a persona's name and a tool's.
ALLOWED_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h5", "h6", "hr",
    "i", "kbd", "li", "ol", "p", "pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th",
    "thead", "tr", "ul",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "th": {"scope"}}
ALLOWED_SCHEMES = {"http", "https", "mailto"}

#: Longest text that is accepted anywhere, in characters: rendering time grows with it.
MAX_LENGTH = 20_000
# The converter's time grows with the square of these openings, and it gives up on deep nesting.
# No argument comes near either.
MAX_OPENINGS = 500
DEEP_NESTING = re.compile(r"^(?:[ \t]*(?:[-*+>]|\d+[.)])(?=[ \t>])){12}", re.MULTILINE)


def normal_text(text: str) -> str:
    """Return a text with the line ends that we keep: browsers send others than files have."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def validate_markdown(source: str) -> None:
    """Refuse, with a ValidationError, a text that could not be rendered in reasonable time."""
    if len(source) > MAX_LENGTH:
        raise ValidationError(
            f"It has {len(source)} characters, and {MAX_LENGTH} are the most that fit."
        )
    for opening in "[<":
        if source.count(opening) > MAX_OPENINGS:
            raise ValidationError(
                f"It has more than {MAX_OPENINGS} of the sign {opening}; "
                "write it as code, or leave some out."
            )
    if DEEP_NESTING.search(source):
        raise ValidationError("It nests lists or quotes too deep: a dozen on one line.")


def render_markdown(source: str) -> str:
    """Return `source` as sanitised HTML.

    Raw HTML in the source survives only as far as the allowed tags go; scripts, handlers, styles
    and `javascript:` links never do. Wide tables get a box of their own to scroll in, which the
    keyboard can reach (WCAG 2.1.1).
    """
    clean = nh3.clean(
        _converter().reset().convert(source),
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes=ALLOWED_SCHEMES,
        link_rel="nofollow noopener",
    )
    # nh3 has balanced every tag and allows no div, so these two replacements always pair up.
    opening = '<div class="prose-table" role="region" aria-label="Table" tabindex="0"><table>'
    return clean.replace("<table>", opening).replace("</table>", "</table></div>")


# Making a converter takes several times what converting a text does, and none may be shared
# between threads.
_of_this_thread = threading.local()


def _converter() -> markdown.Markdown:
    """Return this thread's converter."""
    if not hasattr(_of_this_thread, "converter"):
        _of_this_thread.converter = markdown.Markdown(
            extensions=["tables", "fenced_code", "sane_lists", "toc"],
            extension_configs={"toc": {"baselevel": 5, "marker": ""}},
            output_format="html",
        )
    return _of_this_thread.converter


class MarkdownFormField(forms.CharField):
    """A text as a browser sends it: other line ends alone are no change."""

    def to_python(self, value: Any) -> str:
        return normal_text(super().to_python(value) or "")


class MarkdownField(models.TextField):
    """A text that an editor writes in Markdown."""

    default_validators = [validate_markdown]

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return normal_text(value) if isinstance(value, str) else value

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": MarkdownFormField} | kwargs)


class RenderedMarkdownField(models.TextField):
    """The HTML of another field of the same row, rendered whenever the row is written.

    It works for `save()` and `bulk_create()` alike. `save(update_fields=…)` and `bulk_update()`
    write what they are told and nothing else, so they have to name this field too.
    """

    def __init__(self, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        defaults: dict[str, Any] = {"editable": False, "blank": True, "default": ""}
        super().__init__(*args, **defaults | kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        html = render_markdown(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, html)
        return html
