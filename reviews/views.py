"""The pages of the four lenses."""

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tools.addresses import moved

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
    }
    return moved(request, found.get_absolute_url()) or render(
        request, "reviews/persona.html", context
    )
