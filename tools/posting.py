"""Forms that readers send from our pages, which hold no token because they are the same for all.

The origin is checked instead: the browser says it in Sec-Fetch-Site or in Origin, and cannot be
made to lie. Scripts are answered in JSON, others with a page.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from modern_csrf.decorators import csrf_protect

FORM = "application/x-www-form-urlencoded"
#: The largest form, in bytes: many times what the longest address to go back to takes.
MAX_BODY = 8192

View = Callable[..., HttpResponse]


class RefusedError(Exception):
    """A request that is no form of ours: an HTTP status, and a sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def from_our_pages(what: str) -> Callable[[View], View]:
    """Return a decorator for a view that takes POSTs from this site only.

    `what` begins the sentences that refuse: "A vote". The view may raise RefusedError.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                # Every browser says one of the two with a form. The library lets pass what says
                # neither, because it cannot be somebody's browser that is misused; nor is it a
                # reader.
                if not request.headers.keys() & {"Sec-Fetch-Site", "Origin"}:
                    raise RefusedError(403, f"{what} comes from one of our pages.")
                return view(request, *args, **kwargs)
            except RefusedError as refused:
                return refuse(request, refused)

        checked: View = csrf_protect(answer)
        return csrf_exempt(never_cache(require_POST(checked)))

    return decorate


def check_form(request: HttpRequest, what: str) -> None:
    """Raise RefusedError for a body that is no form, or too large for one of ours."""
    if request.content_type != FORM:
        raise RefusedError(415, f"{what} is sent as a form: {FORM}.")
    # The server has refused lengths that are no number, and reads no further than this one.
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise RefusedError(413, f"This is too long for {what[:1].lower()}{what[1:]}.")


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, rather than somebody who is to see a page."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def refuse(request: HttpRequest, refused: RefusedError) -> HttpResponse:
    """Say no: to a script in JSON, to others with a page where there is one."""
    if wants_json(request):
        return JsonResponse({"error": refused.sentence}, status=refused.status)
    if refused.status == 400:
        return render(request, "errors/400.html", status=400)
    if refused.status == 403:
        return render(request, "errors/403.html", {"not_permitted": False}, status=403)
    return HttpResponse(
        f"{refused.sentence}\n", content_type="text/plain; charset=utf-8", status=refused.status
    )
