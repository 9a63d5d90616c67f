"""What every answer carries that no library of ours adds."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


def resource_policy(get_response: GetResponse) -> GetResponse:
    """Let only pages of this origin load what we serve (Cross-Origin-Resource-Policy)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware
