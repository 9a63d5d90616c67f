"""Public pages are read from a replica, and readers never notice what becomes of it."""

import re
import signal
import time
from itertools import count

import pytest

from .programs import wait_for
from .web import Reader, Web

#: What pages are made of, and the looks at replicas are not.
TABLES = re.compile(r"\b(tools|reviews|comparisons)_(?!contentchange)[a-z]+")
COUNTER = count(1)


def reads(server, begin=0):
    """How often pages have asked a server since its log had this length."""
    return len(list(filter(TABLES.search, server.statements("pages", begin))))


def ask_anew(reader):
    """Ask for a page that nobody can have kept."""
    answer = reader.get(f"/search/?q=claude+{next(COUNTER)}")
    assert answer.status == 200
    return answer


def is_read_from(server, reader):
    """Whether a page that is asked for now is read from that server."""
    begin = server.log.stat().st_size
    ask_anew(reader)
    return reads(server, begin) > 0


class Site(Web):
    """The site with a primary and a replica."""

    def __init__(self, folder, primary, replica, lag):
        super().__init__(
            folder,
            DATABASE_URL=primary.url(name="pages"),
            DATABASE_REPLICA_URL=replica.url(name="pages"),
            DATABASE_REPLICA_LAG=lag,
        )
        self.primary, self.replica = primary, replica

    def start(self):
        super().start()
        self.wait_for_replica()
        return self

    def wait_for_replica(self):
        wait_for(lambda: is_read_from(self.replica, Reader(self)))

    def wait_for_primary(self):
        wait_for(lambda: is_read_from(self.primary, Reader(self)))


@pytest.fixture(scope="module")
def patient(folder, primary, replica):
    """A site whose replica may lag for a minute, so that tests can hold it back."""
    site = Site(folder, primary, replica, lag="60")
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.fixture(scope="module")
def strict(folder, primary, replica):
    """A site whose replica may lag for a second."""
    site = Site(folder, primary, replica, lag="1")
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.fixture
def held_back(replica):
    """The replica learns nothing new until it is let go, or the test is over."""
    wait_for(lambda: replica.ask("SELECT pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()"))
    replica.ask("SELECT pg_wal_replay_pause()")
    wait_for(lambda: replica.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")
    yield lambda: replica.ask("SELECT pg_wal_replay_resume()")
    replica.ask("SELECT pg_wal_replay_resume()")


def vote(reader, slug="claude-4-opus"):
    answer = reader.post(f"/tools/{slug}/vote/", {"choice": "ship"})
    assert answer.status == 303
    return answer


def test_pages_are_read_from_the_replica_and_from_it_alone(patient):
    patient.wait_for_replica()
    addresses = [
        "/", "/tools/", "/tools/claude-4-opus/", "/tools/claude-4-opus.json", "/compare/",
        "/compare/claude-4-opus-vs-smolvlm2/", "/categories/developer-tools/", "/personas/builder/",
        "/search/?q=code", "/search/suggest/?q=cl", "/feeds/verdicts/", "/sitemap.xml",
        "/corrections/", "/methodology/", "/nothing-here/", "/tools/clod/", "/llms.txt",
    ]  # fmt: skip
    reader, before = Reader(patient), (reads(patient.primary), reads(patient.replica))
    answers = {address: reader.get(address).status for address in addresses}
    assert max(answers.values()) < 500, answers
    assert reads(patient.primary) == before[0]
    assert reads(patient.replica) > before[1] + 10


def test_a_vote_goes_to_the_primary_and_so_does_its_voter_for_a_while(patient, held_back):
    voter, stranger = Reader(patient), Reader(patient)
    votes = "SELECT count(*) FROM reviews_vote"
    before = patient.primary.ask(votes)
    vote(voter)
    assert (patient.primary.ask(votes), patient.replica.ask(votes)) == (before + 1, before)
    assert voter.cookie("fresh")
    assert is_read_from(patient.primary, voter)
    patient.wait_for_replica()  # of which nothing is known any more when it was not asked for long
    assert is_read_from(patient.replica, stranger)
    assert not is_read_from(patient.primary, stranger)


def test_an_editor_sees_a_change_at_once_and_readers_when_the_replica_knows_it(patient, held_back):
    editor, stranger = Reader(patient), Reader(patient)
    editor.log_in()
    key = patient.primary.ask("SELECT id FROM tools_tool WHERE slug = 'claude-4-sonnet'")
    address, new = f"/admin/tools/tool/{key}/change/", f"Renamed {next(COUNTER)}"
    assert editor.post(address, editor.form(address) | {"name": new}).status == 302
    assert new in editor.get("/tools/claude-4-sonnet/").text
    assert new in editor.get(address).text
    patient.wait_for_replica()
    assert new not in stranger.get("/tools/claude-4-sonnet/?anew=1").text
    held_back()
    wait_for(lambda: new in stranger.get(f"/tools/claude-4-sonnet/?anew={next(COUNTER)}").text)


def test_a_preview_is_never_older_than_its_link(patient, held_back):
    before = reads(patient.primary)
    Reader(patient).get("/preview/tools/forged:link/")
    editor = Reader(patient)
    editor.log_in()
    key = patient.primary.ask("SELECT id FROM tools_tool LIMIT 1")
    page = editor.get(f"/admin/tools/tool/{key}/change/").text
    [link] = set(re.findall(r"/preview/tools/[^/\"<]+/", page))
    before = reads(patient.replica)
    assert Reader(patient).get(link).status == 200
    assert reads(patient.replica) == before


def test_a_replica_that_lags_too_much_is_left_alone_until_it_has_caught_up(strict, held_back):
    strict.wait_for_replica()
    vote(Reader(strict))
    strict.wait_for_primary()
    assert not is_read_from(strict.replica, Reader(strict))
    held_back()
    strict.wait_for_replica()


def test_an_idle_primary_does_not_make_its_replica_lag(strict):
    strict.wait_for_replica()
    wait_for(
        lambda: strict.replica.ask(
            "SELECT clock_timestamp() - pg_last_xact_replay_timestamp() > interval '2 seconds'"
        )
    )
    strict.wait_for_replica()


def test_when_the_replica_dies_no_reader_notices_and_when_it_is_back_it_is_used(strict):
    strict.wait_for_replica()
    strict.replica.kill()
    try:
        for _ in range(20):
            ask_anew(Reader(strict))
        assert is_read_from(strict.primary, Reader(strict))
    finally:
        strict.replica.start()
    strict.wait_for_replica()
    assert "replica1 is away" in strict.said()


def test_when_the_primary_dies_readers_are_answered_from_the_replica(strict):
    strict.wait_for_replica()
    strict.primary.stop(signal.SIGQUIT)
    try:
        wait_for(lambda: not replicates(strict.replica))
        time.sleep(2)  # by now it lags too much for good days
        for _ in range(20):
            ask_anew(Reader(strict))
    finally:
        strict.primary.start()
    strict.wait_for_replica()
    vote(Reader(strict), "claude-4-sonnet")


def replicates(replica):
    return replica.ask("SELECT count(*) FROM pg_stat_wal_receiver") == 1
