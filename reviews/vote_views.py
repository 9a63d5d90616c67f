"""The address that ballots are sent to. It answers forms with a redirect, scripts with JSON."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme

from tools.addresses import UnknownName
from tools.freshness import show_writer
from tools.models import Tool
from tools.posting import RefusedError, check_form, from_our_pages, wants_json

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
Done = TypeVar("Done", Cast, DuelCast)


def ballot_box(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view that takes ballots from this site only, and answers what it refuses."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (UnknownName, Tool.DoesNotExist) as error:
            # What does not exist any more was withdrawn while the vote was on its way.
            named = "".join(map(str, kwargs.values()))
            wanted = error.wanted if isinstance(error, UnknownName) else named
            if not wants_json(request):
                raise UnknownName(wanted, []) from error
            sentence = f"No published tool is called “{wanted[:80]}”."
            return JsonResponse({"error": sentence}, status=404)

    return from_our_pages("A vote")(answer)


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
    check_form(request, "A vote")
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
    if wants_json(request):
        response = JsonResponse(describe(done))
    else:
        response = HttpResponseRedirect(back, status=303)
    if not known and done.change == "cast":
        remember(response, voter)
    show_writer(response)
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
