"""What is missing before mail may leave, and what the operator's check says."""

import pytest
from django.core.checks import run_checks

from comparisons.digest.readiness import is_configured, lacks, provider, warnings
from shiporskip.mail import mail_settings
from tests.shiporskip.test_settings import COMPLETE, start


@pytest.fixture
def ready(settings):
    """Return the settings of a site that lacks nothing, to take something away from."""
    configure(settings, "smtps://u:p@mail.example.org")
    settings.SITE_URL = "https://ship.site"
    settings.DIGEST_FROM = "Ship or Skip <digest@ship.site>"
    settings.DIGEST_POSTAL_ADDRESS = "1 Main Street, Springfield"
    return settings


def configure(settings, address, secrets=()):
    for name, value in mail_settings(address, secrets).items():
        setattr(settings, name, value)
    settings.DIGEST_IS_SENT = bool(address)
    settings.WEBHOOK_SECRET = list(secrets)


def test_a_site_that_has_everything_lacks_nothing(ready):
    assert is_configured()
    assert lacks() == []
    assert warnings() == []


@pytest.mark.parametrize(
    ("setting", "value", "variable"),
    [
        ("DIGEST_POSTAL_ADDRESS", "", "DIGEST_POSTAL_ADDRESS"),
        ("SITE_URL", "http://ship.site", "SITE_URL"),
        ("SITE_URL", "https://localhost", "SITE_URL"),
        ("SITE_URL", "https://192.0.2.1", "SITE_URL"),
        ("SITE_URL", "https://[2001:db8::1]", "SITE_URL"),
        ("DIGEST_FROM", "Ship or Skip <digest@localhost>", "DIGEST_FROM"),
        ("DIGEST_FROM", "Ship or Skip <digest@site.example>", "DIGEST_FROM"),
    ],
)
def test_what_is_missing_is_told_with_the_variable_that_sets_it(ready, setting, value, variable):
    setattr(ready, setting, value)
    [sentence] = lacks()
    assert variable in sentence
    assert sentence in [warning.msg for warning in run_checks(include_deployment_checks=True)]


def test_where_no_mail_leaves_nothing_is_missing(ready):
    configure(ready, "")
    ready.SITE_URL = "http://127.0.0.1:8000"
    assert not is_configured()
    assert lacks() == []


@pytest.mark.parametrize(
    ("address", "secrets", "said"),
    [
        ("", (), "EMAIL_URL is not"),
        ("smtp://u:p@mail.example.org", (), "unencrypted"),
        ("smtps://mail.example.org", ["a:b"], "names no provider"),
        ("postmark://KEY@", (), "from postmark are not taken"),
    ],
)
def test_half_of_a_setting_is_warned_of(ready, address, secrets, said):
    configure(ready, address, secrets)
    [sentence] = warnings()
    assert said in sentence


@pytest.mark.parametrize(
    "address", ["smtp://mail.example.org", "smtp://u:p@localhost", "smtp://u:p@10.0.0.5"]
)
def test_a_password_that_stays_in_the_house_is_fine(ready, address):
    configure(ready, address)
    assert warnings() == []


def test_the_provider_is_named_as_anymail_names_it(ready):
    assert provider() == ""
    configure(ready, "unisender-go://KEY@go2.unisender.ru")
    assert provider() == "unisender_go"


def test_the_check_for_production_is_clean_without_mail_and_with_all_of_it():
    check = (
        "from django.core.management import execute_from_command_line as run;"
        "run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
    )
    public = COMPLETE | {"SITE_URL": "https://ship.site", "SECRET_KEY": "abcdefghij" * 6}
    nothing = start(check, **public)
    assert nothing.returncode == 0, nothing.stderr
    complete = start(
        check,
        **public,
        EMAIL_URL="postmark://KEY@",
        WEBHOOK_SECRET="reports:0123456789abcdef",
        DIGEST_POSTAL_ADDRESS="1 Main Street",
    )
    assert complete.returncode == 0, complete.stderr
    half = start(check, **public, EMAIL_URL="smtps://mail.example.org")
    assert half.returncode != 0
    assert "digest.W001" in half.stderr
