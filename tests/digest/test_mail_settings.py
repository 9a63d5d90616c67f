"""EMAIL_URL: any SMTP server, any provider, and a sentence for what would not work."""

import pkgutil

import anymail.backends
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection

from shiporskip.mail import (
    PROVIDERS,
    default_mailbox,
    mail_settings,
    mailbox,
    number,
    schedule,
    webhook_secrets,
)
from tests.shiporskip.test_settings import COMPLETE, start

SECRETS = ["reports:0123456789abcdef"]


def smtp(address):
    made = mail_settings(address)
    assert made["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    security = {(True, False): "STARTTLS", (False, True): "TLS", (False, False): "none"}[
        made["EMAIL_USE_TLS"], made["EMAIL_USE_SSL"]
    ]
    return (
        made["EMAIL_HOST"],
        made["EMAIL_PORT"],
        security,
        made["EMAIL_HOST_USER"],
        made["EMAIL_HOST_PASSWORD"],
    )


def refusal(function, *arguments):
    with pytest.raises(ImproperlyConfigured) as raised:
        function(*arguments)
    return str(raised.value)


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 25, "none", "", "")),
        ("smtp://localhost:2525/", ("localhost", 2525, "none", "", "")),
        ("smtp+tls://u:p@mail", ("mail", 587, "STARTTLS", "u", "p")),
        ("smtps://u:p@mail", ("mail", 465, "TLS", "u", "p")),
        ("smtp+ssl://u:p@mail", ("mail", 465, "TLS", "u", "p")),
        ("SMTPS://u:p@mail:10465", ("mail", 10465, "TLS", "u", "p")),
        ("smtps://u:p@[::1]:465", ("::1", 465, "TLS", "u", "p")),
        ("  smtp://mail_server  ", ("mail_server", 25, "none", "", "")),
        (
            "smtp+tls://me%40example.org:p%2Fw%23%3A%25+%C3%A4@mail",
            ("mail", 587, "STARTTLS", "me@example.org", "p/w#:%+ä"),
        ),
        ("smtps://me@example.org:pw@mail", ("mail", 465, "TLS", "me@example.org", "pw")),
    ],
)
def test_any_smtp_server_is_one_address(address, meant):
    assert smtp(address) == meant


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nonsense", "it begins with one of smtp://, smtp+tls://, smtps://"),
        ("smtp:mail", "it begins with one of"),
        ("http://mail", "unisender_go://"),
        ("consolemail://", "it begins with one of"),
        ("smtp://", "names no host"),
        ("smtp://:25", "names no host"),
        ("smtp://u:p@", "names no host"),
        ("smtp://mail:0", "bad port or host"),
        ("smtp://mail:port", "bad port or host"),
        ("smtp://mail:99999", "bad port or host"),
        ("smtp://[::1", "bad port or host"),
        ("smtp://-mail", "bad port or host"),
        ("smtp://u@mail", "a user without a password"),
        ("smtp://u:secret/word@mail", "percent-encoded"),
        ("smtp://u:secret#word@mail", "percent-encoded"),
        ("smtp://u:secret?word@mail", "percent-encoded"),
        ("smtp://u:secret word@mail", "spaces"),
        ("smtp://u:secret\nword@mail", "line ends"),
        ("smtp://u:secret%ff@mail", "no text"),
        ("smtp://u:secret%0d%0aQUIT@mail", "no text"),
        ("smtp://mail/path", "behind its host"),
        ("smtp://mail?timeout=3", "behind its host"),
        ("postmark://", "lacks its server_token; it is postmark://SERVER_TOKEN@"),
        ("postmark://secret:more@", "says too much"),
        ("postmark://secret@example.org", "says too much"),
        ("postmark://secret@:25", "has a port"),
        ("postmark://secret@?mesage_stream=x", "it takes api_url, message_stream, server_token"),
        ("postmark://secret@?message_stream=", "message_stream"),
        ("postmark://secret@?message_stream=a&message_stream=b", "once"),
        ("postmark://secret@?server_token=other", "once"),
        ("mailjet://secret@", "lacks its secret_key"),
        ("postal://secret@", "names no host"),
        ("ses://secret@eu-central-1", "half a key"),
    ],
)
def test_a_wrong_address_says_what_to_write_and_nothing_of_its_secret(address, sentence):
    said = refusal(mail_settings, address)
    assert sentence in said
    assert "secret" not in said.replace("secret_key", "").replace("SECRET_KEY", "")


def test_no_address_keeps_mail():
    for nothing in ("", "  "):
        made = mail_settings(nothing)
        assert made["EMAIL_BACKEND"] == "comparisons.digest.outbox.KeepingBackend"


def test_every_provider_of_anymail_has_its_form():
    modules = {module.name for module in pkgutil.iter_modules(anymail.backends.__path__)}
    assert modules - {"base", "base_requests", "console", "sendinblue", "test"} == set(PROVIDERS)


ADDRESSES = {
    "brevo": "brevo://KEY@",
    "mailersend": "mailersend://KEY@?signing_secret=S",
    "mailgun": "mailgun://KEY@mg.example.org?api_url=https://api.eu.mailgun.net/v3",
    "mailjet": "mailjet://KEY:SECRET@",
    "mailtrap": "mailtrap://KEY@",
    "mandrill": "mandrill://KEY@?webhook_key=S",
    "postal": "postal://KEY@postal.example.org",
    "postmark": "postmark://KEY@?message_stream=broadcast",
    "resend": "resend://KEY@",
    "scaleway": "scaleway://KEY@11111111-1111-1111-1111-111111111111",
    "sendgrid": "sendgrid://KEY@",
    "sparkpost": "sparkpost://KEY@?subaccount=7",
    "unisender_go": "unisender-go://KEY@go2.unisender.ru",
}


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_anymail_opens_what_the_address_of_a_provider_says(name, settings):
    made = mail_settings(ADDRESSES[name], SECRETS)
    for setting, value in made.items():
        setattr(settings, setting, value)
    backend = get_connection()
    assert type(backend).__module__ == f"anymail.backends.{name}"
    assert "KEY" in vars(backend).values()
    assert backend.timeout == (10, 60)


def test_ses_is_asked_once_and_its_key_may_come_from_the_machine(monkeypatch):
    monkeypatch.setattr("shiporskip.mail.find_spec", lambda package: True)
    made = mail_settings("ses://KEY:S%2Fx@eu-central-1?configuration_set_name=digest", SECRETS)
    assert made["EMAIL_BACKEND"] == "anymail.backends.amazon_ses.EmailBackend"
    assert made["ANYMAIL"]["AMAZON_SES_CONFIGURATION_SET_NAME"] == "digest"
    client = made["ANYMAIL"]["AMAZON_SES_CLIENT_PARAMS"]
    assert client["aws_secret_access_key"] == "S/x"
    assert client["region_name"] == "eu-central-1"
    # boto3 asks again when no answer came, and the mail would arrive twice.
    assert client["config"]["retries"] == {"total_max_attempts": 1}
    assert "aws_access_key_id" not in mail_settings("ses://")["ANYMAIL"]["AMAZON_SES_CLIENT_PARAMS"]


def test_a_provider_that_needs_another_package_says_which(monkeypatch):
    monkeypatch.setattr("shiporskip.mail.find_spec", lambda package: None)
    assert "boto3" in refusal(mail_settings, "ses://eu-central-1")
    assert "svix" in refusal(mail_settings, "resend://KEY@?signing_secret=whsec_x")
    mail_settings("resend://KEY@")


@pytest.mark.parametrize(
    ("address", "unsigned", "with_secret"),
    [
        ("postmark://KEY@", False, True),
        ("mailgun://KEY@", True, True),
        ("mailersend://KEY@", False, False),
        ("mailersend://KEY@?signing_secret=S", True, True),
        ("mandrill://KEY@", False, False),
        ("scaleway://KEY@project", False, False),
        ("smtp://mail", False, False),
        ("", False, False),
    ],
)
def test_reports_are_heard_only_where_something_proves_them(address, unsigned, with_secret):
    assert mail_settings(address)["REPORTS_ARE_HEARD"] == unsigned
    assert mail_settings(address, SECRETS)["REPORTS_ARE_HEARD"] == with_secret


def test_secrets_for_reports_may_be_several_while_one_replaces_another():
    assert webhook_secrets("") == []
    assert webhook_secrets(" a:0123456789abcdef, b:fedcba9876543210 ,") == [
        "a:0123456789abcdef",
        "b:fedcba9876543210",
    ]
    for wrong in ("short:password", "0123456789abcdef", ":0123456789abcdef", "a:0123456789 bcdef"):
        assert "WEBHOOK_SECRET" in refusal(webhook_secrets, wrong)


@pytest.mark.parametrize(
    ("text", "mailbox_"),
    [
        ("Ship or Skip <digest@example.org>", "Ship or Skip <digest@example.org>"),
        ("Äpfel <digest@bücher.org>", "Äpfel <digest@xn--bcher-kva.org>"),
        ('"Us, Inc." <digest@example.org>', '"Us, Inc." <digest@example.org>'),
        ("digest@example.org", "A Site <digest@example.org>"),
    ],
)
def test_mails_come_from_one_mailbox(text, mailbox_):
    assert mailbox(text, "A Site") == mailbox_


@pytest.mark.parametrize(
    "text",
    [
        "Ship or Skip",
        "Us, Inc. <digest@example.org>",
        "A <a@example.org>, B <b@example.org>",
        "A <a@example.org> more",
        "A <a@example>",
        "A <ä@example.org>",
        "A\r\nBcc: b@example.org <a@example.org>",
        "A <a@example.org>\r\nBcc: b@example.org",
    ],
)
def test_anything_else_is_no_mailbox(text):
    assert refusal(mailbox, text, "A Site").startswith("DIGEST_FROM is not one mailbox")


def test_without_a_word_about_it_mails_come_from_the_site():
    assert default_mailbox("Ship or Skip", "example.org") == "Ship or Skip <digest@example.org>"
    assert default_mailbox("Us, Inc.", "example.org") == '"Us, Inc." <digest@example.org>'
    for host in ("127.0.0.1", "::1"):
        assert default_mailbox("Us", host) == "Us <digest@localhost>"


def test_a_schedule_is_a_day_and_a_minute():
    assert schedule("thursday 08:00") == "thursday 08:00"
    assert schedule("  Sunday   7:05 ") == "sunday 07:05"
    for wrong in ("thursday", "08:00", "thu 08:00", "thursday 24:00", "thursday 08:60", "daily 8"):
        assert "such as thursday 08:00" in refusal(schedule, wrong)


def test_a_number_is_one_and_in_its_range():
    assert number("", "DIGEST_RATE", 0, 0, 10) == 0
    assert number("2.5", "DIGEST_RATE", 0, 0, 10) == 2.5
    for wrong in ("-1", "11", "nan", "inf", "many"):
        assert f"DIGEST_RATE is '{wrong}'" in refusal(number, wrong, "DIGEST_RATE", 0, 0, 10)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"EMAIL_URL": "smtp://u:p@"}, "EMAIL_URL (smtp) names no host"),
        ({"WEBHOOK_SECRET": "x"}, "WEBHOOK_SECRET is not"),
        ({"DIGEST_FROM": "nobody"}, "DIGEST_FROM is not one mailbox"),
        ({"DIGEST_POSTAL_ADDRESS": "a\nb"}, "DIGEST_POSTAL_ADDRESS is not one line"),
        ({"DIGEST_SCHEDULE": "daily"}, "DIGEST_SCHEDULE is 'daily'"),
        ({"DIGEST_LANES": "0"}, "DIGEST_LANES is '0'; set it to a whole number from 1 to 100"),
        ({"DIGEST_LANES": "101"}, "DIGEST_LANES is '101'"),
        ({"DIGEST_LANES": "2.5"}, "DIGEST_LANES is '2.5'"),
        ({"DIGEST_RATE": "-1"}, "DIGEST_RATE is '-1'"),
        ({"DIGEST_LEASE": "0"}, "DIGEST_LEASE is '0'"),
        ({"DIGEST_RATE": "0.012"}, "would be silent for 333 seconds between two mails"),
    ],
)
def test_a_wrong_variable_stops_the_start_with_a_sentence(wrong, sentence):
    run = start(**COMPLETE | wrong)
    assert run.returncode != 0
    assert sentence in run.stderr.splitlines()[-1]


def test_the_pace_of_a_first_week_is_right_for_one_connection():
    assert start(**COMPLETE, DIGEST_RATE="0.012", DIGEST_LANES="1").returncode == 0


def test_right_variables_become_settings():
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_USE_SSL, s.EMAIL_TIMEOUT, s.DIGEST_IS_SENT,"
        " s.DIGEST_FROM, s.DIGEST_LANES, s.DIGEST_RATE, s.DIGEST_SCHEDULE)"
    )
    said = start(
        code,
        **COMPLETE,
        EMAIL_URL="smtps://u:p@mail",
        DIGEST_FROM="news@example.org",
        DIGEST_LANES="20",
        DIGEST_RATE="2.5",
        DIGEST_SCHEDULE="Friday 9:30",
    )
    assert said.stdout.strip() == (
        "mail 465 True 60 True Ship or Skip <news@example.org> 20 2.5 friday 09:30"
    )


def test_development_keeps_mail():
    assert settings.DIGEST_IS_SENT is False
