"""The step between asking for something that cannot be taken back and doing it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

#: The field that says that the question was answered.
CONFIRMED = "confirmed"


def is_confirmed(request: HttpRequest) -> bool:
    """Whether a form comes from the page that asks once more."""
    return CONFIRMED in request.POST


def ask_first(
    request: HttpRequest,
    title: str,
    sentences: Iterable[str],
    button: str,
    back: str,
    fields: Mapping[str, Any] | None = None,
    trail: Iterable[tuple[str, str]] = (),
) -> TemplateResponse:
    """Answer with a page that says what would happen, and sends the same form again when told.

    `fields` are sent with it, those that are lists several times. `back` is where one gets to who
    would rather not; `trail` are the names and addresses of the pages above.
    """
    pairs = [(CONFIRMED, "yes")]
    for name, value in (fields or {}).items():
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
    context = {
        **admin.site.each_context(request),
        "title": title,
        "sentences": list(sentences),
        "button": button,
        "back": back,
        "fields": pairs,
        "trail": trail,
    }
    return TemplateResponse(request, "admin/digest/confirm.html", context)
