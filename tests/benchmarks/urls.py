"""The site's addresses, and one that returns a constant body of the size asked for."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def bare(request: HttpRequest, size: int) -> HttpResponse:
    return HttpResponse(b"x" * size)


urlpatterns = [path("bare/<int:size>/", bare), path("", include("shiporskip.urls"))]
handler404 = "shiporskip.views.not_found"
