"""What is missing before mail may leave, in sentences for whoever can set it right."""

import ipaddress
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

#: Names that no mail reaches and that no server on the internet has (RFC 2606, RFC 6762).
_NOWHERE = ("example", "invalid", "localhost", "test", "local", "internal")


def is_configured() -> bool:
    """Whether there is a mail server or a provider; without one, mail is kept for the desk."""
    return bool(settings.DIGEST_IS_SENT)


def lacks() -> list[str]:
    """Return what is missing before mail may leave; empty when nothing is.

    Where no mail leaves at all, nothing is missing: everything may be tried out.
    """
    if not is_configured():
        return []
    missing = []
    if not settings.DIGEST_POSTAL_ADDRESS:
        missing.append(
            "The sender’s postal address is missing, which every mail has to show: the operator "
            "sets DIGEST_POSTAL_ADDRESS."
        )
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https" or not _is_domain(site.hostname or ""):
        missing.append(
            "The site has no public https address, and without one nobody can leave by the link in "
            "a mail: the operator sets SITE_URL."
        )
    if not _is_domain(parseaddr(settings.DIGEST_FROM)[1].rpartition("@")[2]):
        missing.append(
            "There is no address that mails can come from: the operator sets DIGEST_FROM to a "
            "mailbox at a domain of yours."
        )
    return missing


def warnings() -> list[str]:
    """Return what is half set, or set so that it does harm, though mail may leave."""
    found = []
    if not is_configured() and settings.DIGEST_POSTAL_ADDRESS:
        found.append(
            "DIGEST_POSTAL_ADDRESS is set, but EMAIL_URL is not, so mails are kept for the desk "
            "and reach nobody."
        )
    if settings.WEBHOOK_SECRET and not provider():
        found.append("WEBHOOK_SECRET is set, but EMAIL_URL names no provider that would use it.")
    if provider() and not settings.REPORTS_ARE_HEARD:
        found.append(
            f"Reports of bounces and complaints from {provider()} are not taken, because nothing "
            "would prove where they come from (docs/operators.md, “Providers and their reports”)."
        )
    is_open = not settings.EMAIL_USE_TLS and not settings.EMAIL_USE_SSL
    if settings.EMAIL_HOST_PASSWORD and is_open and not _is_near(settings.EMAIL_HOST):
        found.append(
            "EMAIL_URL sends its password unencrypted over the network: begin it with smtp+tls:// "
            "(STARTTLS) or smtps://."
        )
    return found


def provider() -> str:
    """Return the provider that mail goes through, by anymail's name for it; empty for none."""
    package, _, rest = str(settings.EMAIL_BACKEND).partition(".backends.")
    return rest.partition(".")[0] if package == "anymail" else ""


@register(Tags.security, deploy=True)
def check_mail(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Tell `manage.py check --deploy` what is half set."""
    return [
        Warning(sentence, id=f"digest.W{number:03}")
        for number, sentences in ((1, lacks()), (2, warnings()))
        for sentence in sentences
    ]


def _is_domain(host: str) -> bool:
    """Whether this is a name that others on the internet may know."""
    *names, last = host.lower().rstrip(".").split(".")
    return bool(names) and last not in _NOWHERE and not _is_address(host)


def _is_near(host: str) -> bool:
    """Whether a host is this machine, or known by a single name in its private network."""
    if _is_address(host):
        return ipaddress.ip_address(host).is_private
    return "." not in host or host.rpartition(".")[2] in _NOWHERE


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
