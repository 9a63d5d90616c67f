"""A riddle that costs a browser seconds, for those whose vote waits in quarantine.

It is ALTCHA’s: find the number that, hashed behind a salt, gives the challenge
(https://altcha.org/docs/v2/proof-of-work/). Only its Python half is used. The widget of altcha and
of django-altcha makes its worker from a blob and its styles inline, which our
Content-Security-Policy forbids, and django-altcha remembers solutions in a cache that our processes
do not share. A solution here is bound to one vote, which can be released once.
"""

import json
from datetime import timedelta
from typing import Any

import altcha
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .screening import RELEASED_BY_WORK, WINDOW
from .votes import Screened

#: For how long a challenge can be answered.
PATIENCE = timedelta(minutes=10)
#: The numbers to search through for the first suspicious vote on a subject within WINDOW: about a
#: second in a browser. STEEPER further ones make it once more as many, up to STEEPEST.
NUMBERS = 250_000
STEEPER = 4
STEEPEST = 64
#: The longest solution, in characters, more than twice what there is.
MAX_LENGTH = 1000


def challenge_for(vote: Screened | None) -> dict[str, Any] | None:
    """Return the challenge that releases this vote, for `static/js/proof-of-work.js` to solve.

    None where there is no vote that waits, or no work releases it.

    The more votes on the subject were suspicious lately, the more it costs: whoever casts hundreds
    pays for each what a reader pays for a handful.
    """
    if vote is None or vote.suspicion not in RELEASED_BY_WORK:
        return None
    suspects = (
        type(vote)
        ._default_manager.filter(
            cast_at__gt=timezone.now() - WINDOW,
            **{vote.SUBJECT: getattr(vote, f"{vote.SUBJECT}_id")},
        )
        .exclude(suspicion="")
        .order_by()[:STEEPEST]
        .count()
    )
    challenge = altcha.create_challenge(
        altcha.ChallengeOptions(
            hmac_key=_key(),
            max_number=NUMBERS * (1 + suspects // STEEPER),
            expires=timezone.now() + PATIENCE,
            params={"vote": _name(vote)},
        )
    )
    return vars(challenge)


def is_solved(vote: Screened, solution: str) -> bool:
    """Whether this is a solution, in time, of a challenge for this vote; whatever it may be."""
    if len(solution) > MAX_LENGTH:
        return False
    try:
        said = json.loads(solution)
        texts = {name: str(said[name]) for name in ("challenge", "salt", "signature")}
        payload = altcha.Payload(algorithm="SHA-256", number=int(said["number"]), **texts)
        solved, _ = altcha.verify_solution(payload, hmac_key=_key(), check_expires=True)
        about = altcha.extract_params({"salt": texts["salt"]}).get("vote")
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return False
    return solved and about == [_name(vote)]


def _name(vote: Screened) -> str:
    return f"{vote._meta.model_name}-{vote.pk}"


def _key() -> str:
    return salted_hmac("reviews.proof_of_work", "challenges", algorithm="sha256").hexdigest()
