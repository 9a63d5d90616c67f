"""What every answer carries that no library of ours adds, and what no request of ours is."""

from collections.abc import Callable
from functools import cache
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

GetResponse = Callable[[HttpRequest], HttpResponse]

#: How browsers send forms. Nothing else is posted at the desk.
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
#: What the desk's views do; each of the public ones says for itself what it does.
METHODS = ("GET", "HEAD", "POST")


def resource_policy(get_response: GetResponse) -> GetResponse:
    """Let only pages of this origin load what we serve (Cross-Origin-Resource-Policy).

    It also says where reports go, and that the desk is not to be listed anywhere.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if settings.CSP_REPORTS:
            response.headers.setdefault("Reporting-Endpoints", 'csp="/csp-reports/"')
        if request.path.startswith(f"/{settings.ADMIN_PATH}"):
            response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        return response

    return middleware


def covered(get_response: GetResponse) -> GetResponse:
    """Give the safety headers to answers that come about before they are added.

    Those are redirects to https, and refusals of hosts that are not ours. What has the headers
    already, as nearly every answer has, is not touched.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if "Cross-Origin-Resource-Policy" not in response.headers:
            for name, value in _usual_headers().items():
                response.headers.setdefault(name, value)
        return response

    return middleware


@cache
def _usual_headers() -> dict[str, str]:
    """Return the headers that a page without wishes of its own has."""
    answer: Any = lambda request: HttpResponse()  # noqa: E731
    for layer in (
        XFrameOptionsMiddleware, PermissionsPolicyMiddleware, CSPMiddleware, resource_policy,
    ):  # fmt: skip
        answer = layer(answer)
    headers = dict(answer(HttpRequest()).headers)
    del headers["Content-Type"]
    return headers | {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    }


class Requests:
    """Refuses what no form and no link of the desk sends: 405 for methods, 415 for content types.

    It has to stand before the check of forms for where they come from, which would answer all of
    that with 403. Views that look after themselves are exempt from that check, and so from this.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Answer in the view's place where it is not asked for anything that it knows."""
        if getattr(view, "csrf_exempt", False):
            return None
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        has_body = request.META.get("CONTENT_LENGTH") not in ("", "0", None)
        if request.method == "POST" and has_body and request.content_type not in FORMS:
            return HttpResponse(
                f"Forms are sent as {' or '.join(FORMS)}.\n",
                status=415,
                content_type="text/plain; charset=utf-8",
            )
        return None
