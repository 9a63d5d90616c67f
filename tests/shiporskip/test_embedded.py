"""The embedded PostgreSQL, with real servers in temporary folders."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shiporskip.embedded.home import Home, ServerError
from shiporskip.embedded.server import ensure_running

PROJECT = Path(__file__).parents[2]
PATIENCE = 60  # seconds, for a busy machine
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can change its user")

# A user of the server: tells when the server started, and stays until its input ends.
USER = """
import subprocess, sys
from pathlib import Path
import psycopg
from shiporskip.embedded.home import ServerError
from shiporskip.embedded.server import ensure_running
try:
    folder = ensure_running(Path(sys.argv[1]))
except ServerError as error:
    sys.exit(print(error))
with psycopg.connect(host=str(folder), port=5432, user="postgres", dbname="postgres") as database:
    print(*database.execute("SELECT pg_postmaster_start_time()").fetchone(), flush=True)
for line in sys.stdin:
    exec(line)
"""
# The settings' part of a project, and one query through Django.
DJANGO = """
import sys, django
from django.conf import settings
settings.configure(DATABASES={"default": {
    "ENGINE": "shiporskip.embedded", "NAME": "my site", "HOST": sys.argv[1]}})
django.setup()
from django.db import connection
from django.core.management import call_command
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database(), string_agg(x, '' ORDER BY x) FROM "
                   "unnest(ARRAY['b', 'Z', 'ä', 'a']) x")
    print(*cursor.fetchone(), flush=True)
call_command("dbshell", "--", "-Atc", "SELECT current_user || '@' || current_database()")
"""


class User:
    """A process that uses the server of a home folder."""

    def __init__(self, home: Path, *prefix: str, program: str = USER, **env: str) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", program, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
            env={**os.environ, **env},
        )

    def answer(self) -> str:
        """Return the next line: the server's start time, or what is wrong."""
        return self.process.stdout.readline().strip()

    def do(self, statement: str) -> None:
        self.process.stdin.write(f"{statement}\n")
        self.process.stdin.flush()

    def leave(self) -> str:
        """End in order, and return all that is left of the output."""
        return self.process.communicate(timeout=PATIENCE)[0]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "this did not come about in time"
        time.sleep(0.05)


def processes(home: Path) -> dict[str, psutil.Process]:
    """The keeper and the server of a home folder, by those names, as far as they live."""
    found = {}
    words = {"shiporskip.embedded.keeper": "keeper", "-D": "server"}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            for word in set(process.cmdline()) & set(words):
                if any(str(home) in argument for argument in process.cmdline()):
                    # The oldest: what it forks has its words, for a moment.
                    found.setdefault(words[word], process)
    return found


def is_stopped(home: Path) -> bool:
    return not processes(home)


def ended_in_order(home: Path) -> bool:
    return (home / "log").read_text().strip().endswith("database system is shut down")


def start_time(answer: str) -> str:
    assert answer.startswith("20"), answer
    return answer


@contextlib.contextmanager
def cleared(home: Path) -> Iterator[Path]:
    """A home whose keeper and server are gone at the end, whatever the test did."""
    try:
        yield home
        wait_for(lambda: is_stopped(home))
    finally:
        for process in processes(home).values():
            process.kill()


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    with cleared(tmp_path / "home") as path:
        yield path


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("used") / "home"


@pytest.fixture
def home(used_home: Path) -> Iterator[Path]:
    """A home whose server may have run before, for the tests that don't look at the first start."""
    with cleared(used_home) as path:
        yield path


@pytest.fixture
def user() -> Iterator[Callable[..., User]]:
    """Makes users of a server, who are all gone at the end."""
    users = []

    def make(home: Path, *prefix: str, **options: str) -> User:
        users.append(User(home, *prefix, **options))
        return users[-1]

    yield make
    for one in users:
        if one.process.poll() is None:
            one.kill()
        one.process.stdout.close()


def test_the_first_user_makes_a_server_and_the_second_shares_it(new_home, user):
    started = start_time(user(new_home).answer())
    assert user(new_home).answer() == started
    assert new_home.stat().st_mode & 0o777 == 0o700


def test_django_makes_its_database_sorts_the_same_everywhere_and_has_a_shell(home):
    answers = User(home, program=DJANGO).leave().splitlines()
    assert answers == ["my site Zabä", "postgres@my site"]


def test_the_server_stops_by_itself_when_its_only_user_is_killed(home, user):
    only = user(home)
    start_time(only.answer())
    assert set(processes(home)) == {"keeper", "server"}
    only.kill()
    wait_for(lambda: is_stopped(home))
    assert ended_in_order(home)


def test_the_server_stays_for_the_other_when_one_user_leaves(home, user):
    first, second = user(home), user(home)
    started = start_time(first.answer())
    start_time(second.answer())
    first.leave()
    time.sleep(0.8)  # three looks of the keeper
    third = user(home)
    assert third.answer() == started


def test_a_program_started_by_a_user_does_not_keep_the_server(home, user):
    only = user(home)
    start_time(only.answer())
    only.do("child = subprocess.Popen(['sleep', '60'], stdin=-3, stdout=-3, stderr=-3)")
    only.do("print(child.pid, flush=True)")
    child = psutil.Process(int(only.answer()))
    try:
        only.leave()
        wait_for(lambda: is_stopped(home))
    finally:
        child.kill()


def test_a_server_whose_keeper_was_killed_is_adopted_and_stopped_at_the_end(home, user):
    first = user(home)
    started = start_time(first.answer())
    processes(home)["keeper"].kill()
    wait_for(lambda: "keeper" not in processes(home))
    second = user(home)
    assert second.answer() == started
    assert "keeper" in processes(home)
    first.kill()
    second.kill()
    wait_for(lambda: is_stopped(home))
    assert ended_in_order(home)


def test_a_server_that_was_killed_is_started_again_for_the_next_connection(home, user):
    first = user(home)
    started = start_time(first.answer())
    processes(home)["server"].kill()
    wait_for(lambda: is_stopped(home))
    assert start_time(user(home).answer()) != started


def test_the_server_stops_when_the_machine_ends_its_keeper(home, user):
    start_time(user(home).answer())
    processes(home)["keeper"].send_signal(signal.SIGTERM)
    wait_for(lambda: is_stopped(home))
    assert ended_in_order(home)


def test_a_stale_process_number_of_another_process_neither_hinders_nor_harms(home, user):
    start_time(user(home).leave())
    wait_for(lambda: is_stopped(home))
    left = Home(home).data / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as foreign:
        left.write_text(f"{foreign.pid}\n{left.parent}\n1\n5432\n\n\n 1 1\nready   \n")
        only = user(home)
        start_time(only.answer())
        only.leave()
        wait_for(lambda: is_stopped(home))
        assert foreign.poll() is None
        foreign.kill()


def test_a_path_too_long_for_a_socket_works_with_a_private_folder_elsewhere(tmp_path):
    with cleared(tmp_path / ("long" * 30) / "home") as home:
        only = User(home)
        start_time(only.answer())
        folder = (home / "run").resolve()
        assert not folder.is_relative_to(home)
        assert folder.stat().st_mode & 0o777 == 0o700
        only.leave()
        wait_for(lambda: is_stopped(home))
        assert not folder.exists()


def test_no_parent_folder_changes_and_nobody_else_gets_in(home, user):
    def rights() -> list[tuple[int, int, int]]:
        found = [parent.stat() for parent in home.parents]
        return [(one.st_mode, one.st_uid, one.st_gid) for one in found]

    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    before = rights()
    start_time(user(home).answer())
    assert rights() == before
    insides = [path.stat() for path in (*home.glob("*"), *(home / "run").glob(".s*"))]
    assert not [one for one in insides if one.st_mode & 0o077]


def test_an_interrupted_making_of_the_data_is_begun_anew(new_home, user):
    unfinished = Home(new_home).data.with_suffix(".new")
    new_home.mkdir(mode=0o700)
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    start_time(user(new_home).answer())
    assert not unfinished.exists()


def test_ten_processes_that_start_at_once_all_get_in(new_home, user):
    users = [user(new_home) for _ in range(10)]
    assert len({start_time(one.answer()) for one in users}) == 1


def test_a_deleted_home_is_made_anew_for_a_process_that_used_the_old_one(new_home, user):
    only = user(new_home)
    started = start_time(only.answer())
    shutil.rmtree(new_home)
    only.do("print(ensure_running(Path(sys.argv[1])).is_dir(), flush=True)")
    assert only.answer() == "True"
    assert start_time(user(new_home).answer()) != started


def test_data_of_another_version_are_refused_in_a_sentence(new_home):
    data = Home(new_home).data
    new_home.mkdir(mode=0o700)
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match=r"version 17.*DATABASE_URL"):
        ensure_running(new_home)


def test_a_failed_start_shows_the_end_of_the_log(home, user):
    user(home).leave()
    wait_for(lambda: is_stopped(home))
    file = Home(home).data / "postgresql.auto.conf"
    file.write_text("nonsense = on\n")
    assert "nonsense" in user(home).leave()
    file.write_text("")


def test_a_folder_of_another_user_is_refused_in_a_sentence(new_home, monkeypatch):
    new_home.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: new_home.stat().st_uid + 1)
    with pytest.raises(ServerError, match=r"belongs to user .*chown.*DATABASE_URL"):
        ensure_running(new_home)


def test_a_folder_that_others_can_change_is_refused_in_a_sentence(new_home):
    new_home.mkdir()
    new_home.chmod(0o777)
    with pytest.raises(ServerError, match=r"other users can change it.*chmod 700"):
        ensure_running(new_home)


@needs_root
def test_root_without_user_namespaces_becomes_nobody_and_can_change_back(home, user, tmp_path):
    (tmp_path / "unshare").symlink_to("/bin/false")
    first = user(home, PATH=f"{tmp_path}:{os.environ['PATH']}")
    started = start_time(first.answer())
    nobody = pwd.getpwnam("nobody").pw_uid
    assert processes(home)["server"].uids().real == nobody
    processes(home)["keeper"].kill()
    wait_for(lambda: "keeper" not in processes(home))
    second = user(home)
    assert second.answer() == started
    first.leave()
    second.leave()
    wait_for(lambda: is_stopped(home))
    start_time(user(home).answer())
    assert Home(home).data.stat().st_uid == processes(home)["server"].uids().real == 0


@needs_root
def test_an_ordinary_user_has_a_server_which_root_leaves_to_that_user():
    """The ordinary user here may read everything, as Python can lie below a closed folder of root.

    The keeper that root starts as that user may not, and says so then.
    """
    nobody = pwd.getpwnam("nobody")
    ids = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    read = [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps")]
    with tempfile.TemporaryDirectory() as folder, cleared(Path(folder) / "home") as home:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        ordinary = User(home, "setpriv", *ids, *read)
        started = start_time(ordinary.answer())
        root = User(home)
        assert root.answer() == started
        ordinary.leave()
        assert {p.uids().real for p in processes(home).values()} == {nobody.pw_uid}
        root.leave()
        wait_for(lambda: is_stopped(home))
        answer = User(home).leave()
        try:
            mine = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            subprocess.run([sys.executable, "-c", "import psutil"], check=True, **mine)
        except (PermissionError, subprocess.CalledProcessError):
            assert "be that user, or set DATABASE_URL" in answer
        else:
            start_time(answer)
        assert {path.lstat().st_uid for path in home.rglob("*")} == {nobody.pw_uid}
