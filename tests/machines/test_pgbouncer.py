"""Behind a pooler that lends a connection for one transaction, everything works as before."""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from tests.digest.proof import READY
from tests.digest.sink import Sink

from .pgbouncer import PgBouncer
from .programs import Program
from .web import PROJECT, Reader, Web, environment, manage

#: So many connections to PostgreSQL for all who come through the pooler.
POOL = 2


@pytest.fixture(scope="module")
def pooler(folder, primary):
    pooler = PgBouncer(folder / "pooler", primary, POOL)
    try:
        yield pooler.start()
    finally:
        pooler.stop()


@pytest.fixture(scope="module")
def pooled(primary, pooler):
    """What an operator sets."""
    return {
        "DATABASE_URL": pooler.url(),
        "DATABASE_POOLING": "true",
        "WORKER_DATABASE_URL": primary.url(name="listener"),
    }


@pytest.fixture(scope="module")
def web(folder, pooled):
    web = Web(folder, **pooled)
    try:
        yield web.start()
    finally:
        web.stop()


@pytest.fixture
def crowd():
    with ThreadPoolExecutor(8) as executor:
        yield executor


def test_many_readers_and_voters_share_a_few_connections(web, primary, crowd):
    pages = ["/", "/tools/claude-4-opus/", "/compare/claude-4-opus-vs-smolvlm2/", "/search/?q=vlm"]
    counted = "SELECT count(*) FROM reviews_vote v JOIN tools_tool t ON t.id = tool_id"
    before = primary.ask(f"{counted} WHERE slug = 'smolvlm2-2b'")

    def visit(number):
        reader = Reader(web)
        statuses = [reader.get(f"{page}{'&' if '?' in page else '?'}n={number}").status
                    for page in pages]  # fmt: skip
        return [*statuses, reader.post("/tools/smolvlm2-2b/vote/", {"choice": "ship"}).status]

    for statuses in crowd.map(visit, range(20)):
        assert statuses == [200, 200, 200, 200, 303]
    assert primary.ask(f"{counted} WHERE slug = 'smolvlm2-2b'") == before + 20
    connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pages'"
    assert primary.ask(connections) <= POOL
    manage("check_tallies", DATABASE_URL=primary.url())


def test_each_of_two_editors_is_recorded_with_their_own_change(web, primary, pooler, crowd):
    names = {"editor": "claude-4-opus", "second": "smolvlm2-turbo"}
    manage(
        "make_account",
        DATABASE_URL=primary.url(),
        ACCOUNT_NAME="second",
        ACCOUNT_EMAIL="",
        ACCOUNT_PASSWORD="a long password for tests",
        ACCOUNT_GROUP="Administrator",
    )

    def work(editor):
        reader, slug = Reader(web), names[editor]
        reader.log_in(editor)
        key = primary.ask("SELECT id FROM tools_tool WHERE slug = %s", slug)
        address = f"/admin/tools/tool/{key}/change/"
        for number in range(3):
            fields = reader.form(address) | {"tagline": f"By {editor}, {number}"}
            assert reader.post(address, fields).status == 302
        return key

    for editor, key in zip(names, crowd.map(work, names), strict=True):
        rows = primary.rows(
            "SELECT by FROM tools_version WHERE kind = 'tools_tool' AND row_id = %s"
            " ORDER BY id DESC LIMIT 3",
            key,
        )
        assert [by for (by,) in rows] == [editor] * 3
    assert every_lent_connection_says(pooler, "SELECT current_setting('shiporskip.by', true)") <= {
        None,
        "",
    }


def every_lent_connection_says(pooler, question):
    """What is left on the connections that others get next."""
    with ExitStack() as stack:  # in a transaction each, so that they get different ones
        lent = [stack.enter_context(psycopg.connect(pooler.url())) for _ in range(POOL)]
        return {connection.execute(question).fetchone()[0] for connection in lent}


def test_asking_whether_the_site_is_ready_leaves_no_trace(web, pooler):
    for _ in range(POOL * 2):
        assert Reader(web).get("/readyz").status == 200
    assert every_lent_connection_says(pooler, "SHOW statement_timeout") == {"0"}


def test_the_desk_lists_what_it_counts_and_its_forms_offer_all_choices(web):
    editor = Reader(web)
    editor.log_in()
    for address in ("tools/tool/", "tools/tool/add/", "reviews/review/add/", "digest/edition/"):
        assert editor.get(f"/admin/{address}").status == 200


def test_catalogs_go_in_and_out(pooled, tmp_path):
    document = manage("export_catalog", "--history", **pooled)
    assert "smolvlm2" in document
    assert "Nothing" in manage("import_catalog", "-", given=document, **pooled)


def test_the_worker_listens_past_the_pooler_and_sends_an_edition_through_it(
    folder, primary, pooled
):
    prepare = (
        "from comparisons.digest import editions;"
        "from tests.digest.proof import make_edition, make_subscribers;"
        "make_subscribers(120); editions.start(make_edition())"
    )
    with Sink() as sink:
        mail = READY | {"EMAIL_URL": f"smtp://127.0.0.1:{sink.port}", "DIGEST_LANES": "3"}
        manage("shell", "--no-imports", "-c", prepare, **pooled, **mail)
        worker = Program(
            [sys.executable, "manage.py", "worker"],
            folder / "worker.log",
            cwd=PROJECT,
            env=environment(**pooled, **mail),
        )
        try:
            worker.start()
            sent = "SELECT count(*) FROM digest_delivery WHERE status = 'sent'"
            worker.wait_until(lambda: primary.ask(sent) == 120)
            listens = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'listener'"
            worker.wait_until(lambda: primary.ask(f"{listens} AND query LIKE 'LISTEN%'") == 1)
        finally:
            worker.stop()
        assert len(sink.accepted()) == 120
        assert len(set(sink.accepted())) == 120


def test_a_sign_up_through_the_pooler_wakes_the_worker(folder, web, primary, pooled):
    worker = Program(
        [sys.executable, "manage.py", "worker"],
        folder / "second-worker.log",
        cwd=PROJECT,
        env=environment(**pooled),
    )
    reader = Reader(web)
    stamp = re.search(r'"token": "([^"]+)"', reader.get("/digest/token/").text)[1]
    time.sleep(2.1)
    try:
        worker.start()
        worker.wait_until(lambda: "The worker runs" in worker.said())
        fields = {"email": "reader@example.org", "token": stamp}
        assert reader.post("/digest/sign-up/", fields).status == 303
        worker.wait_until(lambda: primary.ask("SELECT count(*) FROM digest_keptmail") == 1)
    finally:
        worker.stop()
