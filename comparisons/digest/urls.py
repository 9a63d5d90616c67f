"""The weekly digest: signing up, leaving, and the archive of its editions."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from tools.addresses import page, public

from . import archive_views
from .feeds import EditionFeed


def _not_yet(request: HttpRequest, token: str = "") -> HttpResponse:
    raise Http404


urlpatterns = [
    path("digest/", public(_not_yet), name="digest"),
    path("digest/confirm/<name:token>/", _not_yet, name="digest-confirm"),
    path("digest/leave/<name:token>/", _not_yet, name="digest-leave"),
    path("digest/preferences/<name:token>/", _not_yet, name="digest-preferences"),
    path("digest/<name:week>.txt", public(archive_views.edition_text), name="edition-text"),
    *page("digest/<name:week>", archive_views.edition, name="edition"),
    path("feeds/digest/", public(EditionFeed()), name="edition-feed"),
]
