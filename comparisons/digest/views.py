"""The digest's pages for readers: signing up, and what a subscriber does with links from mails."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from reviews.client_addresses import address_hash
from tools.models import Category
from tools.paging import paginate
from tools.posting import RefusedError, check_form, from_our_pages, refuse, wants_json
from tools.previews import unlisted

from . import consent, limits
from .forms import Age, SignUpForm, age_of, new_stamp, read_topics
from .models import Edition, Standing, Subscriber
from .tasks import answer_soon
from .tokens import BadTokenError, ExpiredTokenError, Purpose, subscriber_of, token_for

WHAT = "A sign-up"
#: What is said to everybody, whatever becomes of the address.
ASKED = "Look into your mailbox for the mail that asks you to confirm: without it, nothing happens."
ONCE_MORE = "Press once more to sign up. This tells people from programs."


def index(request: HttpRequest) -> HttpResponse:
    """Say what the digest is, take sign-ups, and list the editions that went out."""
    editions = Edition.objects.public().only("week", "subject", "started_at")
    context = {
        "listing": paginate(request, editions),
        "categories": Category.objects.with_counts(),
        "form": SignUpForm(),
    }
    return render(request, "digest/index.html", context)


# Signing up


@never_cache
def token(request: HttpRequest) -> HttpResponse:
    """Return a stamp for the form of a page, which holds none because it is the same for all."""
    return JsonResponse({"token": new_stamp()})


@csrf_exempt  # what takes the form looks at where it is from
def sign_up(request: HttpRequest) -> HttpResponseBase:
    """Take a sign-up; whoever only looks at the address is led to the form."""
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(reverse("digest"))
    return _take(request)


@from_our_pages(WHAT)
def _take(request: HttpRequest) -> HttpResponse:
    """Write a sign-up down and answer: the same in the same time, whoever's address it is.

    Where the stamp is missing, as it is in a form of a page without JavaScript, the form comes back
    filled in with one, to be sent once more.
    """
    check_form(request, WHAT)
    form = SignUpForm.read(request)
    if form.is_trapped:
        return _asked(request)
    if form.error:
        return _form_again(request, form, form.error, 422)
    if (age := age_of(form.stamp)) != Age.RIPE:
        return _form_again(request, form, ONCE_MORE, 422 if age == Age.YOUNG else 200)
    client = address_hash(request)
    ask = partial(consent.ask, form.address, form.topics, form.source, client)
    if end := limits.within_limits(client, ask):
        return _full(request, max(1, int((end - timezone.now()).total_seconds())))
    answer_soon()
    return _asked(request)


def asked(request: HttpRequest) -> HttpResponse:
    """Say what happens after signing up."""
    return render(request, "digest/asked.html")


def _asked(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"message": ASKED})
    return HttpResponseRedirect(reverse("digest-asked"), status=303)


def _form_again(request: HttpRequest, form: SignUpForm, said: str, status: int) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": said, "again": not form.error}, status=422)
    # A stamp that is only too young ripens; a new one would be too young each time.
    stamp = form.stamp if age_of(form.stamp) != Age.NONE else new_stamp()
    context = {
        "form": form,
        "stamp": stamp,
        "said": "" if form.error else said,
        "categories": Category.objects.with_counts(),
    }
    return render(request, "digest/sign_up.html", context, status=status)


def _full(request: HttpRequest, seconds: int) -> HttpResponse:
    minutes = -(-seconds // 60)
    wait = "in a minute" if minutes == 1 else f"in {minutes} minutes"
    sentence = f"Too many sign-ups at once. Nothing was stored; try again {wait}."
    answer: HttpResponse
    if wants_json(request):
        answer = JsonResponse({"error": sentence}, status=429)
    else:
        answer = render(request, "digest/full.html", {"wait": wait}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


# By links from mails


def personal(purpose: Purpose, *methods: str) -> Callable[..., Callable[..., HttpResponseBase]]:
    """Return a decorator for the page of one subscriber, whom a token in its address names.

    The token is what gives the right: no cookie is read, and where a POST comes from does not
    matter, because nobody else can know the address. A token that is no good is answered with what
    to do about it.
    """

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def answer(request: HttpRequest, token: str) -> HttpResponseBase:
            try:
                return view(request, subscriber_of(purpose, token))
            except RefusedError as refused:
                return refuse(request, refused)
            except ExpiredTokenError:
                return _problem(request, "expired", 410)
            except BadTokenError:
                return _problem(request, "unknown", 404)
            except Subscriber.DoesNotExist:
                return _problem(request, "gone", 410)
            except consent.SuppressedError:
                return _problem(request, "suppressed", 410)

        return csrf_exempt(unlisted(require_http_methods(["GET", "HEAD", *methods])(answer)))

    return decorate


def _problem(request: HttpRequest, kind: str, status: int) -> HttpResponse:
    return render(request, "digest/problem.html", {"kind": kind}, status=status)


@personal(Purpose.CONFIRM, "POST")
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Put on the list whoever presses the button. Opening the page does nothing: scanners do it."""
    if request.method == "POST":
        return render(request, "digest/confirmed.html", _about(consent.confirm(pk)))
    subscriber = _subscriber(pk)
    is_on = subscriber.status == Standing.ACTIVE
    template = "digest/confirmed.html" if is_on else "digest/confirm.html"
    return render(request, template, _about(subscriber))


@personal(Purpose.LEAVE, "POST")
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Take off the list whoever sends a POST (RFC 8058), whatever is in it, and however often.

    The body is not even read: a mail program's click has to work whatever it sends.
    """
    if request.method == "POST":
        subscriber = consent.leave(pk)
    else:
        subscriber = Subscriber.objects.filter(pk=pk).first()
        if subscriber and subscriber.status in (Standing.ACTIVE, Standing.PENDING):
            return render(request, "digest/leave.html", _about(subscriber))
    return render(request, "digest/left.html", _about(subscriber) if subscriber else {})


@personal(Purpose.PREFERENCES, "POST")
def preferences(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a subscriber choose topics, and lead to what else can be done."""
    if request.method == "POST":
        check_form(request, "A choice of topics")
        consent.set_topics(pk, read_topics(request.POST))
    subscriber = _subscriber(pk)
    chosen = {topic.pk for topic in subscriber.topics.all()}
    offered = {row.pk: row for row in [*Category.objects.with_counts(), *subscriber.topics.all()]}
    context = _about(subscriber) | {
        "categories": sorted(offered.values(), key=lambda row: row.name.lower()),
        "chosen": chosen,
        "is_saved": request.method == "POST",
    }
    return render(request, "digest/preferences.html", context)


@personal(Purpose.PREFERENCES)
def data(request: HttpRequest, pk: int) -> HttpResponse:
    """Return everything that is stored about a subscriber, to be kept as a file."""
    answer = JsonResponse(
        consent.personal_data(pk), json_dumps_params={"indent": 1, "ensure_ascii": False}
    )
    answer["Content-Disposition"] = 'attachment; filename="digest.json"'
    return answer


@personal(Purpose.PREFERENCES, "POST")
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether everything shall be deleted, and delete it."""
    if request.method == "POST":
        consent.forget(pk)
        return render(request, "digest/forgotten.html")
    return render(request, "digest/forget.html", _about(_subscriber(pk)))


def _subscriber(pk: int) -> Subscriber:
    found: Any = Subscriber.objects.prefetch_related("topics")
    return found.get(pk=pk)


def _about(subscriber: Subscriber) -> dict[str, Any]:
    """Return what the personal pages show: somebody, and the tokens of their other pages."""
    return {
        "subscriber": subscriber,
        "standing": Standing,
        "leave_token": token_for(Purpose.LEAVE, subscriber.pk),
        "preferences_token": token_for(Purpose.PREFERENCES, subscriber.pk),
    }
