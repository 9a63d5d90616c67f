"""Make an editor's account: `manage.py make_account`, or `make account`."""

import os
import sys
from getpass import getpass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from tools.accounts import DUTIES, make_account

#: Stands for “no group, but everything” where a group is asked for.
EVERYTHING = "everything"


class Command(BaseCommand):
    """Asks for what it is not told. The first account may do everything."""

    help = (
        "Make an account for the desk. What neither the options nor the environment "
        "(ACCOUNT_NAME, ACCOUNT_EMAIL, ACCOUNT_PASSWORD, ACCOUNT_GROUP) say is asked for."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options. A password is none: everybody on the machine could read it."""
        environment = os.environ.get
        parser.add_argument("--name", default=environment("ACCOUNT_NAME"))
        parser.add_argument("--email", default=environment("ACCOUNT_EMAIL"))
        parser.add_argument(
            "--group",
            default=environment("ACCOUNT_GROUP"),
            help=f"a group such as Editor, or “{EVERYTHING}”, as the first account gets it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account. Raises CommandError with a sentence when it cannot."""
        try:
            name = options["name"] or self._ask("Name to log in with", "ACCOUNT_NAME")
            if User.objects.filter(username=User.normalize_username(name)).exists():
                raise CommandError(
                    f"There is an account {name} already. Log in at {_address()}; for a new "
                    f"password run: manage.py changepassword {name}"
                )
            email = options["email"]
            if email is None:
                email = self._ask("Email (may be empty)", "ACCOUNT_EMAIL")
            group = self._group(options["group"])
            account = make_account(name, email, self._password(), group)
        except ValidationError as error:
            faults = [
                f"{'name' if field == 'username' else field}: {' '.join(messages)}"
                for field, messages in error.message_dict.items()
            ]
            raise CommandError("\n".join(["No account was made.", *faults])) from error
        except (EOFError, KeyboardInterrupt):
            raise CommandError("Interrupted. No account was made.", returncode=130) from None
        may = f"is in the group {group}" if group else "may do everything"
        self.stdout.write(f"Made the account {account}, which {may}. Log in at {_address()}")

    def _group(self, name: str | None) -> Group | None:
        """Return the group to be in, None for everything, which the first account may do."""
        if name is None and not User.objects.filter(is_superuser=True).exists():
            return None
        names = list(Group.objects.order_by("name").values_list("name", flat=True))
        if name is None and sys.stdin.isatty():
            for known in names:
                self.stdout.write(f"  {known}: {DUTIES.get(known, 'a group of your own')}")
        name = name or self._ask(f"Group, or “{EVERYTHING}”", "ACCOUNT_GROUP")
        if name == EVERYTHING:
            return None
        if name not in names:
            raise CommandError(
                f"There is no group {name}. The groups are {', '.join(names)}; "
                f"“{EVERYTHING}” needs none. No account was made."
            )
        return Group.objects.get(name=name)

    def _password(self) -> str:
        if password := os.environ.get("ACCOUNT_PASSWORD"):
            return password
        self._needs_terminal("ACCOUNT_PASSWORD")
        password = getpass("Password, of 12 characters or more: ")
        if getpass("The same again: ") != password:
            raise CommandError("The two passwords differ. No account was made.")
        return password

    def _ask(self, question: str, variable: str) -> str:
        self._needs_terminal(variable)
        return input(f"{question}: ").strip()

    def _needs_terminal(self, variable: str) -> None:
        if not sys.stdin.isatty():
            raise CommandError(f"{variable} is not set, and there is no terminal to ask at.")


def _address() -> str:
    return f"{settings.SITE_URL}{reverse('admin:index')}"
