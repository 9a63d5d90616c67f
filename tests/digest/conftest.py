"""What tests of the digest may use: a mail server that does as it is told, and a sender on it."""

import pytest

from comparisons.digest import sending
from comparisons.digest.models import Delivery, Edition
from tests.digest.sink import Sink


@pytest.fixture(scope="session")
def _sink():
    with Sink() as sink:
        yield sink


@pytest.fixture
def sink(_sink):
    """A mail server in a process of its own, which takes everything until it is told otherwise."""
    _sink.begin_anew()
    return _sink


@pytest.fixture
def outgoing(sink, settings, monkeypatch):
    """Have mail go to the sink, over one lane unless a test says otherwise."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_TIMEOUT = 10
    settings.DIGEST_LANES = 1
    settings.DIGEST_RATE = 0
    settings.DIGEST_FROM = "Ship or Skip <digest@example.org>"
    sending._letter.cache_clear()
    sending.stopping.clear()
    return sink


def send_all():
    """Send until there is nothing to do any more, as workers do, and return how much was tried."""
    total = 0
    while tried := sending.send_slice():
        total += tried
    return total


def statuses():
    """Return the status of each delivery, by address."""
    return dict(Delivery.objects.values_list("address", "status"))


def stage():
    return Edition.objects.get().status
