"""The pages of the four lenses, and the badge."""

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from tools.addresses import moved
from tools.models import Tool
from tools.offering import nothing_here, offer_text
from tools.structured_data import breadcrumb

from .badges import Badge
from .models import Review, Revision
from .personas import Persona

#: How many of its reviews and reversals a persona's page names.
RECENT = 12


def persona(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show one lens: what it asks, how often it ships, what it said last and what it took back."""
    try:
        found = Persona(slug.lower())
    except ValueError as error:
        raise Http404(slug) from error
    context = {
        "persona": found,
        "record": Review.objects.record_of(found),
        "recent": Review.objects.public().filter(persona=found).newest()[:RECENT],
        "reversals": Revision.objects.public().filter(review__persona=found).reversals()[:RECENT],
        "structured_data": [
            breadcrumb(
                ("How verdicts work", reverse("methodology")),
                (found.label, found.get_absolute_url()),
            )
        ],
    }
    return moved(request, found.get_absolute_url()) or render(
        request, "reviews/persona.html", context
    )


def badge(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Return the panel's verdict on a tool as an SVG, for other people's pages."""
    found = Tool.objects.published().select_related("panel").filter(slug=slug.lower()).first()
    if found is None:
        return nothing_here(f"No published tool is called “{slug[:80]}”, so it has no badge.")
    context = {"badge": Badge(found.name, settings.SITE_NAME, found.strip)}
    return moved(request, reverse("badge", args=[found.slug])) or offer_text(
        request, "image/svg+xml", render_to_string("reviews/badge.svg", context)
    )
