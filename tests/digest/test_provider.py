"""Sending through a provider's API: what it answers, and what that means for the mail."""

import json
import socket
import ssl
import threading

import pytest
import requests
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection

from comparisons.digest.outbox import KeptMail
from comparisons.digest.provider import BackendTransport, _answered, _refused
from comparisons.digest.replies import Outcome, Reply
from comparisons.digest.transports import NoConnectionError, NotSentError, UnclearError
from tests.digest.api_server import running_api
from tests.digest.test_mail_settings import ADDRESSES
from tests.digest.test_readiness import configure

OK = {
    "postmark": {
        "To": "ann@example.org",
        "MessageID": "b7bc2f4a",
        "ErrorCode": 0,
        "Message": "OK",
    },
    "mailgun": {"id": "<1.2@mg.example.org>", "message": "Queued. Thank you."},
}


class Letter:
    """What the transport asks of a letter."""

    def email_for(self, address, subscriber, connection=None):
        message = EmailMultiAlternatives(
            "New verdicts",
            "In text.",
            "Us <digest@example.org>",
            [address],
            headers={
                "Message-ID": f"<{subscriber}@example.org>",
                "List-Unsubscribe": "<https://example.org/digest/leave/token/>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "List-Id": "Ship or Skip <digest.example.org>",
                "Auto-Submitted": "auto-generated",
            },
            connection=connection,
        )
        message.attach_alternative("<p>In html.</p>", "text/html")
        return message


@pytest.fixture
def api():
    with running_api() as api:
        yield api


@pytest.fixture
def use(settings):
    """Configure a provider whose API is at an address."""

    def use(name, address):
        forms = {
            "postmark": f"postmark://KEY@?api_url={address}/",
            "mailgun": f"mailgun://KEY@mg.example.org?api_url={address}/v3",
        }
        configure(settings, forms[name])
        settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": (1, 0.3)}
        transport = BackendTransport()
        transport.open()
        return transport

    return use


def send(transport, address="ann@example.org"):
    return transport.send(Letter(), address, 5, 77)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_a_mail_is_sent_with_its_headers_and_names_its_delivery(api, use):
    api.answer = (200, OK["postmark"])
    reply = send(use("postmark", api.address))
    assert reply.outcome == Outcome.SENT
    assert str(reply) == "250 sent b7bc2f4a"
    [(path, headers, body)] = api.asked
    sent = json.loads(body)
    assert (path, headers["X-Postmark-Server-Token"]) == ("/email", "KEY")
    assert sent["To"] == "ann@example.org"
    assert (sent["TextBody"], sent["HtmlBody"]) == ("In text.", "<p>In html.</p>")
    assert sent["Metadata"] == {"delivery": "77"}
    assert (sent["TrackOpens"], sent["TrackLinks"]) == (False, "None")
    kept = {header["Name"]: header["Value"] for header in sent["Headers"]}
    assert kept["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (kept["Message-ID"], kept["X-PM-KeepID"]) == ("<5@example.org>", "true")


def test_mailgun_is_sent_the_same(api, use):
    api.answer = (200, OK["mailgun"])
    transport = use("mailgun", api.address)
    assert send(transport).outcome == Outcome.SENT
    assert send(transport, "bob@example.org").outcome == Outcome.SENT
    (path, _, body), _ = api.asked
    assert path == "/v3/mg.example.org/messages"
    for part in ("v%3Adelivery=77", "h%3AList-Unsubscribe=", "o%3Atracking-clicks=no"):
        assert part in body.decode()


POSTMARK_406 = {
    "ErrorCode": 406,
    "Message": (
        "You tried to send to a recipient that has been marked as inactive.\n"
        "Found inactive addresses: ann@example.org.\nInactive recipients are ones that have "
        "generated a hard bounce or a spam complaint."
    ),
}


@pytest.mark.parametrize(
    ("name", "answer", "outcome"),
    [
        ("postmark", (429, {"ErrorCode": 429, "Message": "Rate limit exceeded"}), Outcome.SLOW),
        ("postmark", (500, {"ErrorCode": 500, "Message": "Try again later"}), Outcome.LATER),
        ("postmark", (503, b"<html>Maintenance</html>"), Outcome.LATER),
        ("postmark", (408, b""), Outcome.LATER),
        ("postmark", (401, {"ErrorCode": 10, "Message": "Bad token"}), Outcome.BLOCKED),
        ("postmark", (422, {"ErrorCode": 400, "Message": "No such sender"}), Outcome.BLOCKED),
        (
            "postmark",
            (422, {"ErrorCode": 300, "Message": "Invalid 'From' address: 'x'."}),
            Outcome.BLOCKED,
        ),
        ("postmark", (422, POSTMARK_406), Outcome.BOUNCED),
        (
            "postmark",
            (422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'ann@example.org'."}),
            Outcome.BOUNCED,
        ),
        ("postmark", (404, b"nothing here"), Outcome.BLOCKED),
        ("mailgun", (401, b"Forbidden"), Outcome.BLOCKED),
        ("mailgun", (402, {"message": "Requires payment"}), Outcome.BLOCKED),
        (
            "mailgun",
            (400, {"message": "'to' parameter is not a valid address. please check"}),
            Outcome.FAILED,
        ),
        ("mailgun", (400, {"message": "Sandbox subdomains are for tests"}), Outcome.BLOCKED),
        ("mailgun", (200, b"Mailgun Magnificent API"), None),
        ("mailgun", (200, {"id": "x", "message": "Something else"}), None),
        ("postmark", (200, b"not json"), None),
        ("postmark", (200, {}), None),
        ("postmark", (502, b"Bad gateway"), None),
        ("postmark", (504, b"Gateway timeout"), None),
    ],
)
def test_what_a_provider_answers_decides_about_the_mail(name, answer, outcome, api, use):
    api.answer = answer
    transport = use(name, api.address)
    if outcome is None:
        with pytest.raises(UnclearError):
            send(transport)
    else:
        reply = send(transport)
        assert reply.outcome == outcome, reply
        assert "ann@example.org" not in reply.text
    assert len(api.asked) == 1


def test_where_nobody_listens_nothing_was_sent(use):
    transport = use("postmark", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NoConnectionError) as raised:
        send(transport)
    assert "refused" in str(raised.value)


def test_a_name_that_leads_nowhere_means_that_nothing_was_sent(use):
    with pytest.raises(NoConnectionError):
        send(use("postmark", "http://nowhere.invalid"))


def test_a_wrong_address_of_the_api_is_a_matter_of_settings(use):
    assert send(use("postmark", "nonsense")).outcome == Outcome.BLOCKED


def test_tls_that_cannot_begin_means_that_nothing_was_sent(api, use):
    with pytest.raises(NoConnectionError):
        send(use("postmark", api.address.replace("http:", "https:")))


@pytest.mark.parametrize("fault", ["hang", "drop"])
def test_a_request_without_an_answer_may_have_been_taken(fault, api, use):
    api.answer = fault
    transport = use("postmark", api.address)
    with pytest.raises(UnclearError):
        send(transport)
    assert len(api.asked) == 1
    # The session is gone, and a new one works.
    with pytest.raises(NoConnectionError):
        send(transport)
    api.answer = (200, OK["postmark"])
    transport.open()
    assert send(transport).outcome == Outcome.SENT


def test_a_connection_that_broke_within_the_answer_may_have_been_taken(use):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_half():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")

    thread = threading.Thread(target=answer_half)
    thread.start()
    with listener, pytest.raises(UnclearError):
        send(use("postmark", f"http://127.0.0.1:{listener.getsockname()[1]}"))
    thread.join()


def test_an_untrusted_certificate_means_that_nothing_was_sent():
    fault = requests.exceptions.SSLError()
    fault.args = (type("Wrapped", (), {"reason": Exception(ssl.SSLCertVerificationError())})(),)
    error = AnymailAPIError("Error posting")
    error.__cause__ = fault
    with pytest.raises(NoConnectionError):
        _answered(error, "ann@example.org")


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("hard-bounce", Outcome.BOUNCED),
        ("spam", Outcome.BOUNCED),
        ("soft-bounce", Outcome.LATER),
        ("unsigned", Outcome.BLOCKED),
        ("test-mode-limit", Outcome.BLOCKED),
    ],
)
def test_mandrill_rejects_for_reasons_that_are_not_all_the_recipients(reason, outcome):
    response = requests.Response()
    response._content = json.dumps([{"status": "rejected", "reject_reason": reason}]).encode()
    assert _refused(AnymailRecipientsRefused(response=response)).outcome == outcome


@pytest.mark.parametrize(
    ("name", "status", "outcome"),
    [
        ("TooManyRequestsException", 429, Outcome.SLOW),
        ("ThrottlingException", 400, Outcome.SLOW),
        ("LimitExceededException", 400, Outcome.LATER),
        ("InternalFailure", 500, Outcome.LATER),
        ("MessageRejected", 400, Outcome.BLOCKED),
        ("SendingPausedException", 400, Outcome.BLOCKED),
        ("Timeout", 504, None),
    ],
)
def test_amazons_errors_are_understood_by_name(name, status, outcome):
    response = {"Error": {"Code": name}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = AnymailAPIError("An error occurred", response=response)
    if outcome is None:
        with pytest.raises(UnclearError):
            _answered(error, "ann@example.org")
    else:
        assert _answered(error, "ann@example.org").outcome == outcome


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EndpointConnectionError", NoConnectionError),
        ("NoCredentialsError", Outcome.BLOCKED),
        ("ReadTimeoutError", UnclearError),
        ("ConnectionClosedError", UnclearError),
    ],
)
def test_a_broken_connection_to_amazon_is_understood_by_how_far_it_came(name, meant):
    error = AnymailAPIError("An error occurred")
    error.__cause__ = type(name, (Exception,), {})("…")
    if isinstance(meant, Outcome):
        assert _answered(error, "ann@example.org").outcome == meant
    else:
        with pytest.raises(NotSentError) as raised:
            _answered(error, "ann@example.org")
        assert type(raised.value) is meant


def test_a_back_end_that_cannot_start_is_a_matter_of_settings(settings):
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {}
    with pytest.raises(NoConnectionError) as raised:
        BackendTransport().open()
    assert raised.value.reply.outcome == Outcome.BLOCKED
    assert "POSTMARK_SERVER_TOKEN" in str(raised.value)


def test_without_a_connection_nothing_is_sent():
    with pytest.raises(NoConnectionError):
        send(BackendTransport())


@pytest.mark.django_db
def test_without_a_provider_a_mail_is_kept(settings):
    configure(settings, "")
    transport = BackendTransport()
    transport.open()
    assert send(transport) == Reply(250, "kept for the desk")
    transport.close()
    transport.close()
    assert KeptMail.objects.get().recipient == "ann@example.org"


class PostedError(Exception):
    """The request that would have gone out."""


@pytest.mark.parametrize("name", sorted(set(ADDRESSES)))
def test_every_provider_is_given_both_texts_and_the_headers_of_a_list(name, settings, monkeypatch):
    def keep(self, **params):
        raise PostedError(params)

    monkeypatch.setattr(requests.Session, "request", keep)
    configure(settings, ADDRESSES[name])
    transport = BackendTransport()
    transport.open()
    with pytest.raises(PostedError) as raised:
        send(transport)
    [params] = raised.value.args
    request = requests.Request(
        params["method"],
        params["url"],
        **{part: params.get(part) for part in ("data", "files", "headers", "params")},
    ).prepare()
    body = request.body if isinstance(request.body, str) else request.body.decode()
    for part in ("ann@example.org", "In text.", "In html.", "List-Unsubscribe-Post", "List-Id"):
        assert part in requests.utils.unquote(body).replace("+", " ").replace("\\", ""), part
    assert get_connection().ignore_unsupported_features
