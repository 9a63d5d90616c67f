"""The form with which readers ask for the digest, and the stamp that tells how fast they were."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, QueryDict

from .addresses import normal_address

#: Nobody types an address in less time than this; programs do.
LEAST_AGE = timedelta(seconds=2)
#: A form that is older than this is stamped anew.
MOST_AGE = timedelta(days=1)
#: What people do not see and therefore leave empty. Programs fill every field.
TRAP = "message"
#: So many topics are read; nobody has more categories than that.
MOST_TOPICS = 200
#: A page of ours: a path in ASCII, as browsers write it.
PAGE = re.compile(r"/[!-~]{0,199}")
KEY = re.compile(r"[0-9]{1,18}")


class Age(Enum):
    """Whether a form was filled in as fast as people do it."""

    RIPE = "ripe"
    YOUNG = "young"
    #: No stamp of ours, or one that is too old.
    NONE = "none"


def new_stamp() -> str:
    """Return a stamp that says when it was made. It is nobody's in particular."""
    return _signer().sign(str(int(time.time())))


def age_of(stamp: str) -> Age:
    """Return whether this is a stamp of ours that is neither too young nor too old."""
    try:
        if len(stamp) > 100:
            return Age.NONE
        age = time.time() - int(_signer().unsign(stamp))
    except (BadSignature, ValueError):
        return Age.NONE
    if age < LEAST_AGE.total_seconds():
        return Age.YOUNG
    return Age.RIPE if age <= MOST_AGE.total_seconds() else Age.NONE


def read_topics(data: QueryDict) -> list[int]:
    """Return the keys of categories that a form names; what is no key is left out."""
    named = dict.fromkeys(data.getlist("topics")[:MOST_TOPICS])
    return [int(key) for key in named if KEY.fullmatch(key)]


@dataclass(frozen=True, slots=True)
class SignUpForm:
    """What a reader has filled in, to be shown again where something is missing."""

    #: As it was typed.
    email: str = ""
    topics: Sequence[int] = ()
    #: The page on which it was filled in first.
    source: str = ""
    stamp: str = ""
    #: The address in its normal form; empty where it is wrong, and then `error` says why.
    address: str = ""
    error: str = ""
    is_trapped: bool = False

    @classmethod
    def read(cls, request: HttpRequest) -> "SignUpForm":
        """Return what was sent; whatever it is, it can be shown again."""
        data = request.POST
        email, address, error = data.get("email", ""), "", ""
        try:
            address = normal_address(email)
        except ValidationError as found:
            error = found.messages[0] if email.strip() else "Type the address that it should go to."
        return cls(
            email=email,
            topics=read_topics(data),
            source=_page(data.get("source")) or _page_before(request),
            stamp=data.get("token", ""),
            address=address,
            error=error,
            is_trapped=bool(data.get(TRAP)),
        )


def _page(said: str | None) -> str:
    return said if said and PAGE.fullmatch(said) else ""


def _page_before(request: HttpRequest) -> str:
    """Return the page that a form was sent from, without its query."""
    try:
        return _page(urlsplit(request.headers.get("Referer", "")).path)
    except ValueError:  # no address at all
        return ""


def _signer() -> Signer:
    return Signer(sep=".", salt="digest.sign-up", algorithm="sha256")
