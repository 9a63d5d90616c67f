"""The address that ballots are sent to. It answers forms with a redirect, scripts with JSON."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any, TypeVar

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
from .dueling import DuelCast
from .proof_of_work import challenge_for, is_solved
from .scorecards import Verdict
from .tallies import Count
from .voters import new_voter, remember, voter_of
from .voting import Cast, cast_vote, release_returning, release_vote

#: What a ballot may say. The last takes a vote back.
RETRACT = "retract"
CHOICES: dict[str, Verdict | None] = {
    **{verdict.value: verdict for verdict in Verdict},
    RETRACT: None,
}
#: The largest ballot, in bytes: many times what the longest address to go back to takes.
MAX_BODY = 8192
Done = TypeVar("Done", Cast, DuelCast)
FORM = "application/x-www-form-urlencoded"


class RefusedError(Exception):
    """A request that is no ballot of ours: an HTTP status, and a sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def ballot_box(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view that takes ballots from this site only, and answers what it refuses.

    Pages are the same for everybody and hold no token, so the origin is checked instead: the
    browser says it in Sec-Fetch-Site or in Origin, and cannot be made to lie.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            # Every browser says one of the two with a form. The library lets pass what says
            # neither, because it cannot be somebody's browser that is misused; nor is it a reader.
            if not request.headers.keys() & {"Sec-Fetch-Site", "Origin"}:
                raise RefusedError(403, "A vote comes from one of our pages.")
            return view(request, *args, **kwargs)
        except RefusedError as refused:
            return _refuse(request, refused)
        except (UnknownName, Tool.DoesNotExist) as error:
            # What does not exist any more was withdrawn while the vote was on its way.
            named = "".join(map(str, kwargs.values()))
            wanted = error.wanted if isinstance(error, UnknownName) else named
            if not _wants_json(request):
                raise UnknownName(wanted, []) from error
            sentence = f"No published tool is called “{wanted[:80]}”."
            return JsonResponse({"error": sentence}, status=404)

    checked: Callable[..., HttpResponse] = csrf_protect(answer)
    return csrf_exempt(never_cache(require_POST(checked)))


@ballot_box
def vote(request: HttpRequest, slug: str) -> HttpResponse:
    """Cast, change or retract a vote, and go back to where it was cast."""
    said = read_ballot(request)
    if said not in CHOICES:
        raise RefusedError(400, "A vote is ship, skip or retract.")
    try:
        tool = Tool.objects.only("pk", "slug").get(slug=slug.lower())
        return record(
            request,
            partial(cast_vote, tool.pk, choice=CHOICES[said]),
            _describe,
            place(request, f"{tool.get_absolute_url()}#ballot"),
        )
    except Tool.DoesNotExist:
        raise UnknownName(slug, []) from None


def read_ballot(request: HttpRequest) -> str:
    """Return what the ballot says; raises RefusedError for anything but a ballot."""
    if request.content_type != FORM:
        raise RefusedError(415, f"A vote is sent as a form: {FORM}.")
    # The server has refused lengths that are no number, and reads no further than this one.
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise RefusedError(413, "This is too long for a vote.")
    return request.POST.get("choice", "")


def record(
    request: HttpRequest,
    cast: Callable[..., Done],
    describe: Callable[[Done], dict[str, Any]],
    back: str,
) -> HttpResponse:
    """Have a ballot cast for who sent it, and answer: a script in JSON, others with the way back.

    `cast` takes `voter`, `address` and `without_cookie`, as `cast_vote` does.
    """
    known = voter_of(request)
    voter = known or new_voter()
    if known:
        release_returning(known)
    done = cast(voter=voter, address=address_hash(request), without_cookie=not known)
    if done.quarantined and is_solved(done.quarantined, request.POST.get("proof", "")):
        done = replace(done, count=release_vote(done.quarantined), quarantined=None)
    response: HttpResponse
    if _wants_json(request):
        response = JsonResponse(describe(done))
    else:
        response = HttpResponseRedirect(back, status=303)
    if not known and done.change == "cast":
        remember(response, voter)
    return response


def place(request: HttpRequest, default: str) -> str:
    """Return the address of the ballot's page: what `back` says if it is here, or the default.

    The default names a place on its page, which is added where `back` names none.
    """
    back = request.POST.get("back", "")
    here = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    address = back if here else default
    return address if "#" in address else f"{address}#{default.partition('#')[2]}"


def _describe(done: Cast) -> dict[str, Any]:
    """Say what happened, for a script: the choice now, what would undo it, and the count.

    Where the vote waits and work releases it, a challenge is there too; the same ballot with its
    solution in `proof` has the vote counted at once.
    """
    undo = None if done.change == "unchanged" else done.before or RETRACT
    said = {"change": done.change, "choice": done.choice, "undo": undo, "count": _count(done.count)}
    challenge = challenge_for(done.quarantined)
    return said | ({"challenge": challenge} if challenge else {})


def _count(count: Count) -> dict[str, Any]:
    names = ("ships", "skips", "total", "share", "low", "high", "text", "interval_text")
    return {name: getattr(count, name) for name in names}


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _refuse(request: HttpRequest, refused: RefusedError) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"error": refused.sentence}, status=refused.status)
    if refused.status == 400:
        return render(request, "errors/400.html", status=400)
    if refused.status == 403:
        return render(request, "errors/403.html", {"not_permitted": False}, status=403)
    return HttpResponse(
        f"{refused.sentence}\n", content_type="text/plain; charset=utf-8", status=refused.status
    )
