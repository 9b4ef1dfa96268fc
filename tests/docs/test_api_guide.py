"""The examples of docs/api.md as they stand there, against a real server and a real publication."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from api_market import WED, publish, publish_everything
from api_server import Served, eventually, serving
from databases import emptied
from doc_examples import examples

from api.keys import make_key

EXAMPLES = {one.title: one.text for one in examples("api.md") if one.language == "python"}
ADDRESS = "127.0.0.1:8000"


@pytest.fixture(scope="module")
def served(postgres_url):
    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as running:
            yield running, database


def run(title: str, served: Served, folder: Path, **environment: str) -> list[str]:
    """The lines that an example prints; only its address is another."""
    done = subprocess.run(
        [sys.executable, str(written(title, served, folder))],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def written(title: str, served: Served, folder: Path) -> Path:
    text = EXAMPLES[title]
    assert ADDRESS in text
    path = folder / title
    path.write_text(text.replace(ADDRESS, f"127.0.0.1:{served.port}"))
    return path


def test_the_newest_signals_are_printed_best_first(served, tmp_path):
    lines = run("newest.py", served[0], tmp_path)
    assert [line.split()[0] for line in lines] == ["035720", "000660", "005930"]
    assert lines[2] == "005930 삼성전자 B 50/100 10000 ['3 contractions: 12.1 %']"


def test_a_notebook_reads_arrow_and_csv(served, tmp_path):
    lines = run("notebook.py", served[0], tmp_path)
    assert sum("closing_bet" in line or "vcp" in line for line in lines) == 2
    assert lines[-1] == "9 035720"


def test_pages_are_followed_to_their_end(served, tmp_path):
    assert run("pages.py", served[0], tmp_path) == ["9 signals"]


def test_an_unchanged_answer_has_no_body(served, tmp_path):
    assert run("unchanged.py", served[0], tmp_path) == ["YELLOW 304"]


def test_a_wrong_parameter_is_named(served, tmp_path):
    (line,) = run("problem.py", served[0], tmp_path)
    assert line.startswith("422 [{'parameter': 'limit'")


def test_a_follower_that_was_away_misses_nothing(served, tmp_path):
    server, database = served
    seen = tmp_path / "last_event_id"
    with following(server, tmp_path) as output:
        eventually(seen.exists)
        publish(database, "vcp", WED, 4)
        eventually(lambda: "vcp 2026-02-04 1 new of 4" in output.read_text())
    publish(database, "vcp", WED, 5)
    with following(server, tmp_path) as output:
        eventually(lambda: "vcp 2026-02-04 1 new of 5" in output.read_text())
        assert output.read_text().count("vcp") == 1


@contextmanager
def following(server: Served, folder: Path) -> Iterator[Path]:
    """follow.py running, and the file it prints into."""
    output = folder / f"printed-{time.monotonic_ns()}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-u", str(written("follow.py", server, folder))],
            stdout=file,
            cwd=folder,
        )
        try:
            yield output
        finally:
            process.terminate()
            process.wait(30)


def test_a_key_is_sent_as_a_header(served, tmp_path):
    """The last one: from its key on the server asks everybody for one."""
    server, database = served
    key = make_key()
    with database.transaction() as tx:
        tx.keys.add(key.id, "notebook", ["read", "live"], key.secret_hash)
    address = f"{server.url}/api/kr/signals"
    eventually(lambda: httpx.get(address).status_code == 401)
    lines = run("with_key.py", server, tmp_path, CLOSEBELL_KEY=key.text)
    assert lines == ["11 signals"]
