"""What belongs to no room: the error pages and the operator's addresses."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from tools.logins import end_of_lockout

from . import away, readiness


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400 with a page of ours; 413 where a request was more than is taken."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "errors/413.html", status=413)
    return render(request, "errors/400.html", status=400)


def forbidden(
    request: HttpRequest, exception: Exception | None = None, reason: str = ""
) -> HttpResponse:
    """Answer 403 with a page of ours; forms that come from another site end here too."""
    # Of a form from elsewhere Django tells a reason, of a missing permission the exception.
    return render(request, "errors/403.html", {"not_permitted": exception is not None}, status=403)


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Answer 429 to a client that gave too many wrong passwords, with when to try again."""
    end = end_of_lockout(request)
    context = {"end": end, "minutes": -(-int((end - timezone.now()).total_seconds()) // 60)}
    answer = render(request, "errors/locked_out.html", context, status=429)
    answer["Retry-After"] = str(max(1, int((end - timezone.now()).total_seconds())))
    return answer


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404 with the nearest names, where the view that raised it knew any."""
    context = {
        "wanted": getattr(exception, "wanted", ""),
        "explanation": getattr(exception, "explanation", ""),
        "suggestions": getattr(exception, "suggestions", []),
    }
    return render(request, "errors/404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 with a page that needs no database, and 503 where that was the fault.

    A view's own errors are turned into a 503 before; here are those of what stands around it, such
    as the saving of a session.
    """
    return away.answer_for_current(request) or render(request, "errors/500.html", status=500)


def robots(request: HttpRequest) -> HttpResponse:
    """Say what crawlers may read, everything but the editors' rooms, and where the list is.

    Rooms at a path of their own are not named: everybody would know it. Their pages say for
    themselves that they are not to be listed.
    """
    closed = ["Disallow: /admin/"] if settings.ADMIN_PATH == "admin/" else ["Disallow:"]
    lines = ["User-agent: *", *closed, "", f"Sitemap: {settings.SITE_URL}/sitemap.xml"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


def icon(request: HttpRequest) -> HttpResponse:
    """Lead to the site's icon the browsers that ask at the old place, as they do in the admin."""
    return redirect(static("img/icon.svg"))


@csrf_exempt  # as `tools.addresses.public` has it: a POST is a 405
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers requests; it asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


@csrf_exempt  # as `tools.addresses.public` has it: a POST is a 405
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether readers may be sent here: 200, or 503 with what is missing."""
    lacks = readiness.what_lacks()
    return HttpResponse(
        f"{lacks or 'ok'}\n", content_type="text/plain", status=503 if lacks else 200
    )
