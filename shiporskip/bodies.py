"""What visitors send: refused by its size before it is read, and given up when it does not come."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render

#: An import that is too large is told so by its own page, up to this size, in bytes.
MOST_FOR_IMPORT = 2 * settings.FILE_UPLOAD_MAX_MEMORY_SIZE


class Bodies:
    """A middleware that looks at a request's length before anything reads the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 413 to what is larger than anything that is taken here."""
        # The server refuses lengths that are no number; without one, nothing is read.
        if (length := request.META.get("CONTENT_LENGTH")) and int(length) > _most(request):
            return render(request, "errors/413.html", status=413)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 408 where the rest of a request did not come; its sender has gone, as a rule."""
        if isinstance(exception, UnreadablePostError):
            return render(request, "errors/400.html", status=408)
        return None


def _most(request: HttpRequest) -> int:
    # Only editors send files; what exactly is too much, the views say.
    is_desk = request.path.startswith(settings.SESSION_COOKIE_PATH)
    return MOST_FOR_IMPORT if is_desk else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
