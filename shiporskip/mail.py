"""What EMAIL_URL and the digest's variables mean: text in, Django's and anymail's settings out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from importlib.util import find_spec
from math import nan
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from email_validator import EmailNotValidError, validate_email

#: How long a mail server or provider may take for one answer, in seconds.
TIMEOUT = 60
#: How long it may take until there is a connection to a provider.
CONNECT_TIMEOUT = 10

SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
KEEPING_BACKEND = "comparisons.digest.outbox.KeepingBackend"


@dataclass(frozen=True)
class Security:
    """How an SMTP connection is kept from being read, and the port that is usual for it."""

    setting: str | None
    port: int


#: `smtps` is TLS from the first byte (RFC 8314, 3.3); django-environ takes it for STARTTLS.
SMTP = {
    "smtp": Security(None, 25),
    "smtp+tls": Security("EMAIL_USE_TLS", 587),
    "smtps": Security("EMAIL_USE_SSL", 465),
    "smtp+ssl": Security("EMAIL_USE_SSL", 465),
}


@dataclass(frozen=True)
class Provider:
    """Which of anymail's settings for a provider stand where in EMAIL_URL, by name less prefix."""

    user: str
    password: str = ""
    host: str = ""
    #: Whether the host has to be there.
    needs_host: bool = False
    #: What else the query string may set.
    others: frozenset[str] = frozenset()
    #: The setting with which reports are verified, where the provider signs them.
    verifies: str = ""
    #: Whether it reports bounces at all, and whether anymail takes reports without a signature.
    reports: bool = True
    only_signed: bool = False
    #: A package that sending needs beside anymail, and one that verifying needs.
    package: str = ""
    verifying_package: str = ""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Every provider of django-anymail, by the name of its module there.
PROVIDERS = {
    "amazon_ses": Provider(
        "aws_access_key_id",
        "aws_secret_access_key",
        host="region_name",
        others=_names("configuration_set_name message_tag_name auto_confirm_sns_subscriptions"),
        package="boto3",
    ),
    "brevo": Provider("api_key", others=_names("api_url")),
    "mailersend": Provider(
        "api_token",
        others=_names("api_url signing_secret"),
        verifies="signing_secret",
        only_signed=True,
    ),
    "mailgun": Provider(
        "api_key",
        host="sender_domain",
        others=_names("api_url webhook_signing_key"),
        # Reports are signed with the API key where there is no key of their own.
        verifies="api_key",
    ),
    "mailjet": Provider("api_key", "secret_key", others=_names("api_url")),
    "mailtrap": Provider(
        "api_token", others=_names("api_url sandbox_id signing_secret"), verifies="signing_secret"
    ),
    "mandrill": Provider(
        "api_key",
        others=_names("api_url webhook_key webhook_url"),
        verifies="webhook_key",
        only_signed=True,
    ),
    "postal": Provider(
        "api_key",
        host="api_url",
        needs_host=True,
        others=_names("webhook_key"),
        verifies="webhook_key",
        only_signed=True,
        verifying_package="cryptography",
    ),
    "postmark": Provider("server_token", others=_names("api_url message_stream")),
    "resend": Provider(
        "api_key",
        others=_names("api_url signing_secret"),
        verifies="signing_secret",
        verifying_package="svix",
    ),
    "scaleway": Provider(
        "secret_key",
        host="project_id",
        needs_host=True,
        others=_names("api_url region"),
        reports=False,
    ),
    "sendgrid": Provider(
        "api_key",
        others=_names("api_url tracking_webhook_verification_key"),
        verifies="tracking_webhook_verification_key",
        verifying_package="cryptography",
    ),
    "sparkpost": Provider("api_key", others=_names("api_url subaccount")),
    "unisender_go": Provider("api_key", host="api_url", needs_host=True, verifies="api_key"),
}
ALIASES = {"ses": "amazon_ses"}

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_FORM = "write user and password percent-encoded: scheme://user:password@host:port"


def mail_settings(address: str, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return Django's mail settings, and anymail's, for an EMAIL_URL; an empty one keeps mail.

    With the `webhook_secrets`, it says whether a provider's reports can be told from anybody's.

    Raises ImproperlyConfigured with a sentence for anything that would not work. The sentences say
    nothing of the address but its scheme, because it holds a secret and they end up in logs.
    """
    address = address.strip()
    if not address:
        return {"EMAIL_BACKEND": KEEPING_BACKEND, "ANYMAIL": {}, "REPORTS_ARE_HEARD": False}
    scheme, separator, rest = address.partition("://")
    scheme = scheme.lower()
    name = scheme.replace("-", "_")
    name = ALIASES.get(name, name)
    if not separator or (scheme not in SMTP and name not in PROVIDERS):
        raise ImproperlyConfigured(
            "EMAIL_URL is the address of no mail server or provider; it begins with one of "
            f"{', '.join(f'{known}://' for known in (*SMTP, *ALIASES, *PROVIDERS))}."
        )
    parts = _parts(scheme, rest)
    if scheme in SMTP:
        return _smtp(scheme, parts)
    return _provider(name, parts, list(secrets))


def _parts(scheme: str, rest: str) -> SplitResult:
    """Take the address apart. Raises ImproperlyConfigured when it cannot be meant so."""
    # Python drops line ends and tabs from addresses without a word.
    if any(sign.isspace() or not sign.isprintable() for sign in rest):
        raise _wrong(scheme, "holds spaces or line ends", _FORM)
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError:
        raise _wrong(scheme, "has a bad port or host", _FORM) from None
    if port == 0:
        raise _wrong(scheme, "has a bad port or host", _FORM)
    if parts.path not in ("", "/") or parts.fragment:
        raise _wrong(scheme, "has something behind its host", _FORM)
    if (parts.username is None) != (parts.password is None) and scheme in SMTP:
        raise _wrong(scheme, "has a user without a password", _FORM)
    return parts


def _smtp(scheme: str, parts: SplitResult) -> dict[str, Any]:
    host = _host(scheme, parts)
    if not host:
        raise _wrong(scheme, "names no host", f"such as {scheme}://mail.example.org")
    if parts.query:
        raise _wrong(scheme, "has something behind its host", _FORM)
    security = SMTP[scheme]
    return {
        "EMAIL_BACKEND": SMTP_BACKEND,
        "EMAIL_HOST": host.strip("[]"),
        "EMAIL_PORT": parts.port or security.port,
        "EMAIL_HOST_USER": _decoded(scheme, parts.username),
        "EMAIL_HOST_PASSWORD": _decoded(scheme, parts.password),
        "EMAIL_USE_TLS": security.setting == "EMAIL_USE_TLS",
        "EMAIL_USE_SSL": security.setting == "EMAIL_USE_SSL",
        "ANYMAIL": {},
        "REPORTS_ARE_HEARD": False,
    }


def _provider(name: str, parts: SplitResult, secrets: list[str]) -> dict[str, Any]:
    provider = PROVIDERS[name]
    values = _query(name, provider, parts.query)
    _take(name, values, provider.user, _decoded(name, parts.username))
    _take(name, values, provider.password, _decoded(name, parts.password))
    host = _host(name, parts)
    if provider.host == "api_url":
        port = f":{parts.port}" if parts.port else ""
        # Postal's and Unisender's addresses differ from server to server, but not in their form.
        path = "/en/transactional/api/v1/" if name == "unisender_go" else ""
        host = host and f"https://{host}{port}{path}"
    elif parts.port:
        raise _wrong(name, "has a port", f"it is {_example(name)}")
    _take(name, values, provider.host, host)
    if provider.needs_host and provider.host not in values:
        raise _wrong(name, "names no host", f"it is {_example(name)}")
    if name == "amazon_ses":
        if ("aws_access_key_id" in values) != ("aws_secret_access_key" in values):
            raise _wrong(name, "has half a key", f"it is {_example(name)}")
    else:
        for needed in filter(None, (provider.user, provider.password)):
            if needed not in values:
                raise _wrong(name, f"lacks its {needed}", f"it is {_example(name)}")
    for package in (
        provider.package,
        provider.verifying_package if provider.verifies in values else "",
    ):
        if package and not find_spec(package):
            extra = name.replace("_", "-")
            raise _wrong(
                name,
                f"needs the Python package {package}",
                f"install django-anymail[{extra}] beside the site (docs/operators.md)",
            )
    if name == "amazon_ses":
        values = _for_boto(values)
    is_signed = provider.verifies in values
    prefix = name.upper()
    return {
        "EMAIL_BACKEND": f"anymail.backends.{name}.EmailBackend",
        "ANYMAIL": {f"{prefix}_{key.upper()}": value for key, value in values.items()}
        | {
            "WEBHOOK_SECRET": secrets,
            "REQUESTS_TIMEOUT": (CONNECT_TIMEOUT, TIMEOUT),
            # Tags and the wish not to be tracked, where a provider has no word for them.
            "IGNORE_UNSUPPORTED_FEATURES": True,
        },
        "REPORTS_ARE_HEARD": provider.reports
        and (is_signed or (bool(secrets) and not provider.only_signed)),
    }


def _query(name: str, provider: Provider, query: str) -> dict[str, Any]:
    """Return the settings of the query string. Raises ImproperlyConfigured for unknown ones."""
    known = provider.others | {provider.user, provider.password, provider.host} - {""}
    values: dict[str, Any] = {}
    for key, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        if key not in known:
            raise _wrong(
                name,
                "sets something that it does not know",
                f"it takes {', '.join(sorted(known))}",
            )
        if not value or key in values:
            raise _wrong(name, f"does not set {key} once", f"write {key}=VALUE in it")
        values[key] = {"true": True, "false": False}.get(value.lower(), value)
    return values


def _take(name: str, values: dict[str, Any], setting: str, value: str) -> None:
    """Add what stood in front of the query string. Raises ImproperlyConfigured for a surplus."""
    if not value:
        return
    if not setting:
        raise _wrong(name, "says too much", f"it is {_example(name)}")
    if setting in values:
        raise _wrong(name, f"does not set {setting} once", f"write {setting}=VALUE in it")
    values[setting] = value


def _for_boto(values: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of SES with those that are boto3's gathered.

    boto3 repeats a request whose answer got lost, and the mail would arrive twice.
    """
    client: dict[str, Any] = {
        key: values.pop(key)
        for key in ("aws_access_key_id", "aws_secret_access_key", "region_name")
        if key in values
    }
    client["config"] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": TIMEOUT,
        "retries": {"total_max_attempts": 1},
    }
    return values | {"client_params": client}


def _host(name: str, parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    if parts.port is not None:
        host = host.rpartition(":")[0]
    host = host.removesuffix(":")
    if host and not _HOST.fullmatch(host):
        raise _wrong(name, "has a bad port or host", _FORM)
    return host


def _decoded(name: str, text: str | None) -> str:
    """Return a user or a password as it is meant."""
    try:
        decoded = unquote(text or "", errors="strict")
    except UnicodeDecodeError:
        decoded = "\n"
    if not decoded.isprintable():
        raise _wrong(name, "has a user or password that is no text", _FORM)
    return decoded


def _example(name: str) -> str:
    """Return how a provider's address looks."""
    provider = PROVIDERS[name]
    secrets = ":".join(part.upper() for part in (provider.user, provider.password) if part)
    return f"{name}://{secrets}@{provider.host.upper()}"


def _wrong(name: str, what: str, instead: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"EMAIL_URL ({name}) {what}; {instead}.")


def webhook_secrets(text: str) -> list[str]:
    """Return the pairs `user:password` of WEBHOOK_SECRET, which commas separate.

    Raises ImproperlyConfigured for anything that a provider could not send, or anybody guess.
    """
    secrets = [secret.strip() for secret in text.split(",") if secret.strip()]
    for secret in secrets:
        user, _, password = secret.partition(":")
        if not (user and len(password) >= 16 and re.fullmatch(r"[\w.~-]+", user + password, re.A)):
            raise ImproperlyConfigured(
                "WEBHOOK_SECRET is not a user and a password of 16 letters or digits at least: "
                "set it to reports: followed by a random text, or leave it out."
            )
    return secrets


# The digest's own


def mailbox(text: str, name: str) -> str:
    """Return a mailbox in the form for a header, `Name <address>`; `name` where it has none.

    Raises ImproperlyConfigured when it is no single mailbox that plain SMTP can carry.
    """
    try:
        header = policy.SMTP.header_factory("From", text)
        [found] = header.addresses
        address = validate_email(
            found.addr_spec, allow_smtputf8=False, check_deliverability=False, test_environment=True
        ).ascii_email
        if header.defects or not text.isprintable():
            raise ValueError
    except (EmailNotValidError, ValueError, IndexError):
        raise ImproperlyConfigured(
            "DIGEST_FROM is not one mailbox: Ship or Skip <digest@example.org>, "
            "the name in double quotes where it holds a comma or the like."
        ) from None
    return str(Address(found.display_name or name, addr_spec=str(address)))


def default_mailbox(site_name: str, host: str) -> str:
    """Return whom mails come from where nobody said it."""
    is_name = re.fullmatch(r"[a-z0-9.-]*[a-z][a-z0-9-]*", host)
    return str(Address(site_name, addr_spec=f"digest@{host if is_name else 'localhost'}"))


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def schedule(text: str) -> str:
    """Return a day of the week and a minute as `thursday 08:00`.

    Raises ImproperlyConfigured for anything else.
    """
    found = re.fullmatch(r"\s*([a-z]+)\s+(\d{1,2}):(\d{2})\s*", text, re.IGNORECASE | re.ASCII)
    day = found[1].lower() if found else ""
    if not found or day not in _WEEKDAYS or int(found[2]) > 23 or int(found[3]) > 59:
        raise ImproperlyConfigured(
            f"DIGEST_SCHEDULE is {text!r}; set it to a day of the week and a time in UTC, "
            "such as thursday 08:00."
        )
    return f"{day} {int(found[2]):02}:{found[3]}"


def number(
    text: str, name: str, default: float, least: float, most: float, *, whole: bool = False
) -> float:
    """Return what the variable of that name says, a number, or `default` where it is empty.

    Raises ImproperlyConfigured when it is none, or not between `least` and `most`.
    """
    try:
        value = float(text) if text.strip() else default
    except ValueError:
        value = nan
    if not least <= value <= most or (whole and value % 1):  # nothing is true of nan
        kind = "whole number" if whole else "number"
        raise ImproperlyConfigured(
            f"{name} is {text!r}; set it to a {kind} from {least:g} to {most:g}, or leave it out."
        )
    return value
