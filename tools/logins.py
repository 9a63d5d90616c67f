"""How often somebody may try a password: so often for an account, and so often for a client."""

from datetime import datetime
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .clients import client_address

#: How many times as many failures a client has over all accounts as for one of them: an office
#: behind one address has many colleagues who mistype.
ACCOUNTS_PER_CLIENT = 5


def account_mark(request: HttpRequest, credentials: Any = None) -> str | None:
    """Return what stands for a name in the counts: it is no name, and never too long.

    What is typed there may be anything, somebody's password included.
    """
    name = (credentials or request.POST).get("username")
    return None if name is None else salted_hmac("tools.logins", name).hexdigest()


def end_of_lockout(request: HttpRequest) -> datetime:
    """Return from when on this client may try again."""
    attempts = AccessAttempt.objects.filter(ip_address=client_address(request))
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    return last + settings.AXES_COOLOFF_TIME


class LoginLimits(AxesDatabaseHandler):
    """Counts wrong passwords in the database, which all our processes share, and no more."""

    def get_failures(self, request: HttpRequest, credentials: Any = None) -> int:
        """Return the failures to hold against AXES_FAILURE_LIMIT, whichever limit is nearer."""
        account, client = (
            sum(attempts.values_list("failures_since_start", flat=True))
            for attempts in self.get_user_attempts(request, credentials)
        )
        return max(account, client // ACCOUNTS_PER_CLIENT)

    def reset_user_attempts(self, request: HttpRequest, credentials: Any = None) -> int:
        """Forget the account's failures. One's own password is no help with those of others."""
        account, _client = self.filter_user_attempts(request, credentials)
        count, _ = account.delete()
        return int(count)

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        """Count a failure, without keeping what the browser says about itself."""
        if request is not None:
            request.axes_user_agent = request.axes_http_accept = ""
        super().user_login_failed(sender, credentials, request, **kwargs)
