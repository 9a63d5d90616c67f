"""The list of subscribers in and out: every error with its line, all or nobody, the same again."""

import csv
import io
import signal
from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import transaction

from comparisons.digest import listing
from comparisons.digest.addresses import fingerprint
from comparisons.digest.csv_files import guarded, unguarded
from comparisons.digest.listing import take_in
from comparisons.digest.models import Subscriber, Suppression
from tests.comparisons.test_import_command import running_command, wait_for_a_blocked_writer
from tests.digest.test_webhooks import subscriber
from tools.models import Category

HEADER = "email,consented_at,source,topics\n"
ANN = "ann@example.org,2026-01-31,Old site,\n"
BOB = "bob@example.org,2026-02-01T10:00:00+02:00,Old site,agents coding\n"


@pytest.fixture
def categories(db):
    for slug in ("agents", "coding"):
        Category.objects.create(slug=slug, name=slug.title())


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.fixture
def take(categories, written):
    """Import a text and return what was said; or the errors and the last sentence."""

    def take(text, *options):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("import_subscribers", written(text), *options, stdout=out, stderr=err)
        except CommandError as error:
            return [*err.getvalue().splitlines(), str(error)]
        assert err.getvalue() == ""
        return out.getvalue()

    return take


def exported(*options):
    out = io.StringIO()
    call_command("export_subscribers", *options, stdout=out)
    return out.getvalue()


def test_who_agreed_elsewhere_is_on_the_list(take):
    assert take(HEADER + ANN + BOB) == "Added 2 subscribers.\n"
    ann, bob = Subscriber.objects.order_by("email")
    assert (ann.status, ann.source, ann.topics.count()) == ("active", "Old site", 0)
    assert ann.consented_at == datetime(2026, 1, 31, tzinfo=UTC)
    assert bytes(ann.fingerprint) == fingerprint("ann@example.org")
    assert bob.consented_at == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert [topic.slug for topic in bob.topics.order_by("slug")] == ["agents", "coding"]
    assert Subscriber.objects.wanting().count() == 2


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + ANN,
        HEADER.replace("\n", "\r\n") + ANN.replace("\n", "\r\n"),
        HEADER + "\n" + ANN + "\n\n",
        HEADER + ANN.rstrip("\n"),
        "Topics, SOURCE ,email,consented_at\n,Old site, Ann@Example.ORG ,2026-01-31\n",
        'email,consented_at,source,topics\n"ann@example.org","2026-01-31","Old site",""\n',
        "email,consented_at,source,topics,status\nann@example.org,2026-01-31,Old site,,active\n",
    ],
)
def test_files_may_look_differently(text, take):
    assert take(text) == "Added 1 subscriber.\n"
    assert Subscriber.objects.get().email == "ann@example.org"


def test_importing_the_same_again_changes_nothing(take):
    take(HEADER + ANN + BOB)
    before = exported("--all")
    assert take(HEADER + ANN + BOB) == (
        "Added 0 subscribers. 2 were there already, and nothing of theirs changes.\n"
    )
    assert exported("--all") == before


@pytest.mark.parametrize("status", ["pending", "unsubscribed", "bounced", "complained"])
def test_who_has_a_row_keeps_their_standing(status, take):
    ann = subscriber(status=status)
    assert "1 was there already" in take(HEADER + ANN)
    ann.refresh_from_db()
    assert ann.status == status


def test_suppressed_addresses_are_counted_and_never_added(take, settings):
    Suppression.objects.create(fingerprint=fingerprint("ann@example.org"), reason="deleted")
    settings.SECRET_KEY_FALLBACKS = [django_settings.SECRET_KEY]
    settings.SECRET_KEY = "a newer key"
    Suppression.objects.create(fingerprint=fingerprint("eve@test.org"), reason="bounced")
    text = HEADER + ANN + BOB + "eve@test.org,2026-01-31,Old site,\n"
    assert take(text) == "Added 1 subscriber. 2 are suppressed, and not added.\n"
    assert Subscriber.objects.get().email == "bob@example.org"


def test_a_dry_run_says_what_would_be_and_writes_nothing(take):
    subscriber("bob@example.org")
    Suppression.objects.create(fingerprint=fingerprint("eve@test.org"), reason="asked")
    text = HEADER + ANN + BOB + "eve@test.org,2026-01-31,Old site,\n"
    assert take(text, "--dry-run") == (
        "Would add 1 subscriber. 1 was there already, and nothing of theirs changes. "
        "1 is suppressed, and not added. Nothing was written.\n"
    )
    assert Subscriber.objects.count() == 1


def test_every_error_is_told_with_its_line_and_nobody_is_added(take):
    said = take(
        HEADER
        + ANN
        + "ann@@example.org,2026-01-31,Old site,\n"
        + "ä@example.org,2026-01-31,Old site,\n"
        + "a b@example.org,2026-01-31,Old site,\n"
        + f"{'x' * 300}@example.org,2026-01-31,Old site,\n"
        + ",,,\n"
        + "eve@example.org,yesterday,Old site,nonsense\n"
        + "eve@example.org,2999-01-01,Old site,\n"
        + "eve@example.org,,Old site,\n"
        + f"eve@example.org,2026-01-31,{'x' * 201},\n"
        + "eve@example.org,2026-01-31\n"
        + "ANN@example.org,2026-01-31,Old site,\n"
        + "\n"
        + '"eve\n@example.org",2026-01-31,Old site,\n'
        + "eve@example.org,2026-01-31,Old\x00site,\n"
    )
    numbers = [line.split(":")[0] for line in said[:-1]]
    assert numbers == [f"line {number}" for number in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 17, 13)]
    for number, problem in {
        3: "email: This is not an email address that we can write to",
        7: "source: missing",
        8: "consented_at: not a date such as 2026-01-31 or 2026-01-31T10:00:00Z; "
        "topics: no category 'nonsense'",
        9: "consented_at: in the future",
        10: "consented_at: missing; nobody is on the list without having agreed to it",
        11: "source: more than 200 characters",
        12: "2 cells, where the header has 4",
        13: "the same address as in line 2",
        15: "email: control characters",
        17: "source: control characters",
    }.items():
        [line] = [line for line in said if line.startswith(f"line {number}:")]
        assert problem in line
    assert said[-1] == "13 errors in the list. Nothing was written."
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: there is no header; it is email,consented_at,source,topics"),
        ("\n\n", "line 1: the header is not email,consented_at,source,topics"),
        (ANN, "line 1: the header is not"),
        (HEADER.replace(",", ";"), "separated by commas"),
        ("email,consented_at,source\n", "line 1: the header is not"),
        ("email,email,consented_at,source,topics\n", "line 1: the header is not"),
        ("email,consented_at,source,topics,name\n", "line 1: the header is not"),
        (HEADER.encode("utf-16"), "line 1: the header is not"),
        (HEADER + '"ann@example.org,x\n', "line 2: cannot be read"),
        (HEADER + ANN + 'x"y"@z,"a"b,,\n', "line 3: cannot be read"),
        (HEADER + ANN + "x" * 30_000, "line 3: cannot be read"),
        (HEADER + ("," * 19_000 + "\n"), "line 2: 19001 cells"),
        (HEADER.encode() + b"ann@example.org,2026-01-31,caf\xe9,\n", "line 2: source: not UTF-8"),
        (
            "email,consented_at,source,topics,status\nann@example.org,2026-01-31,x,,friend\n",
            "line 2: status: not one of pending, active",
        ),
        (
            HEADER + "ann@example.org,0001-01-01T00:00+23:00,x,\n",
            "line 2: consented_at: not a date",
        ),
    ],
)
def test_what_is_no_such_list_is_told_so(text, sentence, take):
    said = take(text)
    assert sentence in said[0]
    assert said[-1] == "1 error in the list. Nothing was written."


def test_a_file_that_cannot_be_read_is_told_so(tmp_path, db):
    for path, reason in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(CommandError, match=reason):
            call_command("import_subscribers", str(path))


def test_a_list_comes_from_standard_input(categories, written, monkeypatch):
    with open(written(HEADER + ANN), "rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        call_command("import_subscribers", "-", stdout=io.StringIO())
    assert Subscriber.objects.count() == 1


def test_batches_and_all_of_their_lines_are_written(categories, monkeypatch):
    monkeypatch.setattr(listing, "BATCH", 7)
    body = "".join(f"p{number}@example.org,2026-01-31,x,agents\n" for number in range(50))
    taken = take_in(io.BytesIO((HEADER + "\n" * 9 + body).encode()), print)
    assert (taken.added, Subscriber.objects.filter(topics__slug="agents").count()) == (50, 50)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(5, "Input/output error")])
def test_an_import_that_is_stopped_midway_leaves_nothing(fault, categories, written, monkeypatch):
    def stop(file):
        yield HEADER.encode()
        yield ANN.encode()
        raise fault

    monkeypatch.setattr(listing, "physical_lines", stop)
    with pytest.raises(CommandError, match=r"Interrupted. Nothing was written.|Input/output error"):
        call_command("import_subscribers", written(""))
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_halfway_leaves_nothing_and_may_run_again(blow, written, take):
    path = written(HEADER + ANN + BOB)
    with transaction.atomic():
        subscriber("bob@example.org")  # the import waits to see what becomes of it
        with running_command("import_subscribers", path) as process:
            wait_for_a_blocked_writer()
            process.send_signal(blow)
            _, error = process.communicate(timeout=30)
    if blow == signal.SIGINT:
        assert error == "CommandError: Interrupted. Nothing was written.\n"
        assert process.returncode == 130
    assert Subscriber.objects.count() == 1
    assert take(HEADER + ANN + BOB) == (
        "Added 1 subscriber. 1 was there already, and nothing of theirs changes.\n"
    )


@pytest.mark.django_db(transaction=True)
def test_who_signs_up_meanwhile_was_there_already(written, take):
    path = written(HEADER + ANN + BOB)
    transaction.set_autocommit(False)
    try:
        subscriber("bob@example.org", status="pending")
        with running_command("import_subscribers", path) as process:
            wait_for_a_blocked_writer()
            transaction.commit()
            said, error = process.communicate(timeout=30)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert (error, said) == (
        "",
        "Added 1 subscriber. 1 was there already, and nothing of theirs changes.\n",
    )
    assert Subscriber.objects.get(email="bob@example.org").status == "pending"


# Out


def test_the_list_is_those_who_get_the_digest_and_all_is_everybody(take):
    take(HEADER + BOB)
    subscriber("gone@example.org", status="unsubscribed")
    held = subscriber("held@example.org")
    Suppression.objects.create(fingerprint=held.fingerprint, reason="asked")
    assert exported() == (
        "email,consented_at,source,topics,status\n"
        "bob@example.org,2026-02-01T08:00:00+00:00,Old site,agents coding,active\n"
    )
    rows = list(csv.DictReader(io.StringIO(exported("--all"))))
    assert [(row["email"], row["status"]) for row in rows] == [
        ("bob@example.org", "active"),
        ("gone@example.org", "unsubscribed"),
        ("held@example.org", "active"),
    ]


def test_what_goes_out_comes_in_again_the_same(take):
    take(HEADER + ANN + BOB)
    for email, source in (
        ("=1+1@example.org", '=HYPERLINK("https://evil.example";"x")'),
        ("+41@example.org", "@SUM(A1:A9)"),
        ("-x@example.org", "'quoted', twice"),
        ("'=x@example.org", "''"),
        ("'o@example.org", "＝cmd"),
    ):
        Subscriber.objects.create(
            email=email,
            fingerprint=fingerprint(email),
            status="active",
            source=source,
            consented_at=datetime(2026, 1, 31, 1, 2, 3, 456789, tzinfo=UTC),
        )
    for status in ("pending", "unsubscribed", "bounced", "complained"):
        person = subscriber(f"{status}@example.org", status=status)
        if status == "pending":
            Subscriber.objects.filter(pk=person.pk).update(consented_at=None)
    before = exported("--all")
    Subscriber.objects.all().delete()
    assert take(before) == "Added 11 subscribers.\n"
    assert exported("--all") == before
    marks = {bytes(mark) for mark in Suppression.objects.values_list("fingerprint", flat=True)}
    assert marks == {fingerprint("bounced@example.org"), fingerprint("complained@example.org")}


def test_no_spreadsheet_computes_what_somebody_typed(db):
    person = subscriber("=cmd|x@example.org")
    Subscriber.objects.filter(pk=person.pk).update(source="\t=1+1")
    [_, row] = csv.reader(io.StringIO(exported()))
    assert (row[0], row[2]) == ("'=cmd|x@example.org", "'\t=1+1")


@pytest.mark.parametrize("cell", ["", "x", "=x", "'", "''", "'=x", "''=x", "'x", "-", "＋1", "\tx"])
def test_a_guarded_cell_is_found_again(cell):
    assert unguarded(guarded(cell)) == cell
    assert guarded(cell)[:1] not in tuple("=+-@\t＝＋")


def test_a_long_list_costs_one_query(take, django_assert_num_queries):
    take(HEADER + "".join(f"p{n}@example.org,2026-01-31,x,agents\n" for n in range(30)))
    with django_assert_num_queries(3):  # a savepoint, the list, the savepoint's end
        exported("--all")
