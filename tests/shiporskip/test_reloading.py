"""New code and settings are taken while readers are answered, and only if they load."""

import os
import socket
import subprocess
import sys

from django.conf import settings

from shiporskip import reloading
from shiporskip.reloading import PidFile
from tests.serving import Load, serving

HOME = settings.BASE_DIR


#: Nothing that is asked for here needs one.
NO_DATABASE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}


def reload(site, **variables):
    return subprocess.run(
        [sys.executable, "-m", "shiporskip.reloading"],
        cwd=HOME,
        env=site.env | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reload_under_load_loses_no_request_and_takes_new_processes(tmp_path):
    with serving(tmp_path / "log", **NO_DATABASE, WEB_CONCURRENCY=2) as site:
        first = PidFile(HOME, str(site.port)).holder()
        assert first.pid == site.process.pid
        with Load(site, "/bookmarks/", "/healthz") as load:
            load.wait_for(200)
            done = reload(site)
            assert done.returncode == 0, done.stderr
            load.wait_for(200)
        assert done.stdout.startswith("Reloaded in ")
        assert set(load.statuses) == {200}
        assert not load.errors
        assert not first.lives()
        second = PidFile(HOME, str(site.port)).holder()
        assert second.pid != first.pid
        # Once more: the one that came second is as good as the first.
        assert reload(site).returncode == 0
        assert PidFile(HOME, str(site.port)).holder().pid not in (first.pid, second.pid)
    assert not site.errors()


def test_systemd_is_told_the_number_of_the_new_master(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        variables = {"NOTIFY_SOCKET": tmp_path / "notify", "WEB_CONCURRENCY": 1, **NO_DATABASE}
        with serving(tmp_path / "log", **variables) as site:
            assert b"READY=1" in systemd.recv(1000)
            assert reload(site).returncode == 0
            told = systemd.recv(1000) + b"\n" + systemd.recv(1000)
            number = PidFile(HOME, str(site.port)).holder().pid
            assert f"MAINPID={number}".encode() in told.splitlines()


def test_settings_that_do_not_load_are_told_and_the_old_ones_go_on(tmp_path):
    with serving(tmp_path / "log", **NO_DATABASE, WEB_CONCURRENCY=1) as site:
        before = PidFile(HOME, str(site.port)).holder().pid
        done = reload(site, LOG_LEVEL="LOUD")
        assert done.returncode == 1
        assert "LOG_LEVEL is 'LOUD'" in done.stderr
        assert "The old ones go on." in done.stderr
        assert PidFile(HOME, str(site.port)).holder().pid == before
        assert site.get("/healthz")[0] == 200


def test_nothing_to_reload_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "shiporskip.reloading"],
        cwd=HOME,
        env=os.environ | {"PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no gunicorn of" in done.stderr


def test_a_number_that_a_killed_one_left_is_not_taken_for_a_running_one(tmp_path):
    file = PidFile(tmp_path, "1")
    file.path.write_text(f"{os.getpid()}\n")
    assert file.holder() is None


def test_waiting_for_the_end_takes_no_more_files_the_longer_it_lasts(tmp_path, monkeypatch):
    file, looks = PidFile(tmp_path, "1"), []
    file.take()

    def end_at_last(pause):
        looks.append(len(os.listdir("/proc/self/fd")))
        if len(looks) == 50:
            os.close(file._lock)

    monkeypatch.setattr(reloading.time, "sleep", end_at_last)
    reloading.wait_for_end(tmp_path, "1")
    assert len(looks) == 50
    assert looks[-1] == looks[0]


def test_whoever_was_replaced_leaves_the_file_of_the_other(tmp_path):
    file = PidFile(tmp_path, "1")
    file.path.write_text("1\n")
    file.leave()
    assert file.path.read_text() == "1\n"
