"""The inbox with its index in a real PostgreSQL: SQLite's tests again, and what only a server can do."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from datasets.inbox import Inbox
from datasets.inbox_index import InboxIndex
from tests.datasets.test_inbox import (  # noqa: F401
    IMAGE,
    MIRA,
    test_a_report_is_a_picture_and_unconfirmed_xml,
    test_many_at_once_lose_nothing_and_double_nothing,
    test_names_are_text,
    test_the_same_report_twice_is_one,
)
from tests.web.test_feedback import (  # noqa: F401
    send,
    test_a_report_is_kept_once,
    test_names_are_text_never_paths,
    test_reports_that_make_no_sense,
    test_without_consent_nothing_is_kept,
)

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) + [
    Path(found).parent for found in [shutil.which("initdb")] if found
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAMS, reason="no PostgreSQL here (Debian: apt-get install postgresql)"),
]


@pytest.fixture(scope="module")
def server():
    """The folder of the socket of a server of this module's own."""
    with contextlib.ExitStack() as stack:
        # Not in pytest's folder: PostgreSQL refuses to run as root, and nobody else can look in there.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        name = "postgres" if any(one.pw_name == "postgres" for one in pwd.getpwall()) else "nobody"
        user = name if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)

        def run(program, *words):
            command = [PROGRAMS[-1] / program, "-D", folder / "data", *words]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=user)

        run("initdb", "-U", "inbox", "--auth=trust", "--no-sync")
        run(
            "pg_ctl",
            "start",
            "-w",
            "-l",
            folder / "log",
            "-o",
            f"-k {folder} -c listen_addresses='' -c fsync=off",
        )
        stack.callback(run, "pg_ctl", "stop", "-m", "immediate")
        yield folder


def execute(server, statement, *names):
    """A statement about databases; {} stand for their names."""
    with psycopg.connect(f"host={server} user=inbox dbname=postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture
def url(server):
    """Of an empty database."""
    name = f"test_{uuid.uuid4().hex}"
    execute(server, "CREATE DATABASE {}", name)
    return f"postgresql://inbox@/{name}?host={server}"


@pytest.fixture
def inbox(tmp_path, url):
    box = Inbox(tmp_path / "inbox", url)
    yield box
    box.index.close()


def test_the_same_report_at_two_servers_at_once_is_one(tmp_path, url):
    boxes = [Inbox(tmp_path / "inbox", url) for _ in range(2)]
    for turn in range(10):
        with ThreadPoolExecutor(2) as pool:
            kept = list(pool.map(lambda box: box.add(IMAGE[:, : 80 - turn], [MIRA]), boxes))  # noqa: B023
        assert len({key for key, _ in kept}) == 1
        assert sum(new for _, new in kept) == 1
    assert len(boxes[0].index.list()) == 10
    for box in boxes:
        box.index.close()


def test_servers_that_start_at_once_share_one_table(url):
    with ThreadPoolExecutor(8) as pool:
        for index in pool.map(InboxIndex, [url] * 8):
            assert index.list() == []
            index.close()


def test_connections_that_the_server_has_closed_are_made_anew(client, inbox, server):
    assert send(client, [{"box": [0, 0, 40, 30], "name": "Mira"}]).status_code == 201
    execute(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert client.get("/ready").status_code == 200
    assert send(client, [{"box": [0, 0, 50, 30], "name": "Mira"}]).status_code == 201


def test_a_database_that_is_away_is_one_sentence_and_nothing_is_lost(client, inbox, server):
    name = inbox.index._engine.url.database
    mira = [{"box": [0, 0, 40, 30], "name": "Mira"}]
    inbox.index.close()
    execute(server, "ALTER DATABASE {} RENAME TO {}", name, f"{name}_away")
    answer = send(client, mira)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.json()["error"] == "The report could not be kept; try again in a minute."
    assert client.get("/ready").status_code == 503
    execute(server, "ALTER DATABASE {} RENAME TO {}", f"{name}_away", name)
    assert send(client, mira).status_code == 201
    assert client.get("/ready").status_code == 200
