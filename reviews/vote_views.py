"""The address that ballots are sent to. It answers forms with a redirect, scripts with JSON."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from modern_csrf.decorators import csrf_protect

from tools.addresses import UnknownName
from tools.models import Tool

from .client_addresses import address_hash
from .scorecards import Verdict
from .tallies import Count
from .voters import new_voter, remember, voter_of
from .voting import Cast, cast_vote, release_returning

#: What a ballot may say. The last takes a vote back.
RETRACT = "retract"
CHOICES: dict[str, Verdict | None] = {
    **{verdict.value: verdict for verdict in Verdict},
    RETRACT: None,
}
#: The largest ballot, in bytes: many times what the longest address to go back to takes.
MAX_BODY = 8192
FORM = "application/x-www-form-urlencoded"


class RefusedError(Exception):
    """A request that is no ballot of ours: an HTTP status, and a sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


# Pages are the same for everybody and hold no token, so the origin is checked instead: the browser
# says it in Sec-Fetch-Site or in Origin, and cannot be made to lie.
@csrf_exempt
@never_cache
@require_POST
@csrf_protect
def vote(request: HttpRequest, slug: str) -> HttpResponse:
    """Cast, change or retract a vote, and go back to where it was cast."""
    try:
        choice = _read(request)
        tool = Tool.objects.published().only("pk", "slug").filter(slug=slug).first()
        if tool is None and _wants_json(request):
            raise RefusedError(404, f"No published tool is called “{slug[:80]}”.")
    except RefusedError as refused:
        return _refuse(request, refused)
    if tool is None:
        raise UnknownName(slug, [])
    known = voter_of(request)
    voter = known or new_voter()
    if known:
        release_returning(known)
    done = cast_vote(
        tool.pk, voter, choice, address=address_hash(request.META), without_cookie=not known
    )
    response: HttpResponse
    if _wants_json(request):
        response = JsonResponse(_describe(done))
    else:
        response = HttpResponseRedirect(_place(request, tool), status=303)
    if not known and done.change == "cast":
        remember(response, voter)
    return response


def _read(request: HttpRequest) -> Verdict | None:
    """Return what the ballot says; raises RefusedError for anything but a ballot."""
    if request.content_type != FORM:
        raise RefusedError(415, f"A vote is sent as a form: {FORM}.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise RefusedError(413, "This is too long for a vote.")
    try:
        return CHOICES[request.POST.get("choice", "")]
    except KeyError as error:
        raise RefusedError(400, "A vote is ship, skip or retract.") from error


def _place(request: HttpRequest, tool: Tool) -> str:
    """Return the address of the ballot's page: what `back` says if it is here, or the tool's."""
    back = request.POST.get("back", "")
    here = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    address = back if here else tool.get_absolute_url()
    return address if "#" in address else f"{address}#ballot"


def _describe(done: Cast) -> dict[str, Any]:
    """Say what happened, for a script: the choice now, what would undo it, and the count."""
    undo = None if done.change == "unchanged" else done.before or RETRACT
    return {"change": done.change, "choice": done.choice, "undo": undo, "count": _count(done.count)}


def _count(count: Count) -> dict[str, Any]:
    names = ("ships", "skips", "total", "share", "low", "high", "text")
    return {name: getattr(count, name) for name in names}


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _refuse(request: HttpRequest, refused: RefusedError) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"error": refused.sentence}, status=refused.status)
    if refused.status == 400:
        return render(request, "errors/400.html", status=400)
    return HttpResponse(
        f"{refused.sentence}\n", content_type="text/plain; charset=utf-8", status=refused.status
    )
