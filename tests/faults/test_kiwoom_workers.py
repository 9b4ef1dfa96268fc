"""Several processes share one call rate, one token and one breaker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_market import make_market
from kiwoom_sources import SESSION, client_of, source_of
from sqlalchemy import update

from db.database import Database
from db.guards import StoredGuards
from db.models import AccessToken
from errors import SourceUnavailable
from sources.http.guards import Guards

ROOT = Path(__file__).parents[2]
PER_SECOND = 10.0
SLACK = 1.0  # seconds by which a busy machine may let one call come late, the next in time


@pytest.fixture
def fake() -> Iterator[FakeKiwoom]:
    with FakeKiwoom(make_market(SESSION), speed=PER_SECOND, same_token=False) as running:
        yield running


def worker(database: Database, fake: FakeKiwoom, calls: int) -> subprocess.Popen[str]:
    support = ROOT / "tests" / "support"
    return subprocess.Popen(
        [
            sys.executable,
            str(support / "kiwoom_worker.py"),
            database.url,
            fake.url,
            str(fake.per_second),
            str(calls),
        ],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{support}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_two_workers_keep_one_limit_and_one_token(database: Database, fake: FakeKiwoom) -> None:
    workers = [worker(database, fake, 12) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in workers]
    assert said == [["asked"] * 12] * 2
    assert [process.returncode for process in workers] == [0, 0]
    assert len(fake.of("ka10095")) == 24
    assert fake.refused() == 0
    assert len(fake.of("au10001")) == 1
    counts = {rate.name: rate for rate in StoredGuards(database).rates()}
    assert counts["kiwoom ka10095"].calls == 24
    assert counts["kiwoom ka10095"].retries == 0
    assert counts["kiwoom ka10095"].waited > 0


def test_two_workers_calls_come_evenly_spaced(database: Database) -> None:
    step = 1.2
    with FakeKiwoom(make_market(SESSION), speed=1 / step) as fake:
        workers = [worker(database, fake, 4) for _ in range(2)]
        for process in workers:
            process.communicate(timeout=60)
        calls = [call.at for call in fake.of("ka10095")]
    assert len(calls) == 8
    assert fake.refused() == 0
    gaps = [later - sooner for sooner, later in pairwise(calls)]
    assert calls[-1] - calls[0] >= 7 * step - SLACK
    assert min(gaps) >= step - SLACK


def test_callers_held_with_their_provider_come_evenly_spaced_after_it(database: Database) -> None:
    stored = StoredGuards(database)
    step, hold = 1.2, 1.5
    with (
        FakeKiwoom(make_market(SESSION), speed=1 / step) as fake,
        client_of(fake, Guards(stored, stored, stored), queue=60.0) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        client.access_token()
        began = time.monotonic()
        stored.hold("kiwoom", hold, per_second=5 / step, burst=int(5 / step))
        list(pool.map(lambda _: source_of(client).quotes_of(["000010"]), range(4)))
        calls = [call.at for call in fake.of("ka10095")]
    assert len(calls) == 4
    assert fake.refused() == 0
    assert calls[0] - began >= hold
    assert min(later - sooner for sooner, later in pairwise(calls)) >= step - SLACK


def test_a_token_given_to_another_program_is_replaced_once_for_all_workers(
    database: Database, fake: FakeKiwoom
) -> None:
    workers = [worker(database, fake, 12) for _ in range(2)]
    pipes = [process.stdout for process in workers if process.stdout]
    assert [pipe.readline() for pipe in pipes] == ["asked\n"] * 2
    theirs = fake.issue()  # ours is dead now
    assert [pipe.read().split() for pipe in pipes] == [["asked"] * 11] * 2
    assert [process.wait(timeout=60) for process in workers] == [0, 0]
    for pipe in pipes:
        pipe.close()
    answered = fake.of("ka10095")
    tokens = [call.token for call in answered]
    assert len(set(tokens)) == 2, "one before, one after"
    assert theirs not in tokens
    assert len(fake.of("au10001")) == 2
    assert 24 < len(answered) <= 26, "each worker met the dead token once at most"
    assert fake.refused() == 0


def test_a_worker_killed_between_calls_blocks_nobody(database: Database, fake: FakeKiwoom) -> None:
    dying = worker(database, fake, 1000)
    assert dying.stdout
    for _ in range(3):
        assert dying.stdout.readline() == "asked\n"
    dying.kill()
    dying.communicate(timeout=60)
    stored = StoredGuards(database)
    with client_of(fake, Guards(stored, stored, stored)) as client:
        assert list(source_of(client).quotes_of(["000010"])) == ["000010"]
    assert len(fake.of("au10001")) == 1
    assert fake.refused() == 0


def test_a_sweep_guarded_by_the_database_keeps_the_limit(
    database: Database, fake: FakeKiwoom
) -> None:
    stored = StoredGuards(database)
    with client_of(fake, Guards(stored, stored, stored)) as client:
        assert source_of(client).sweep(SESSION).data.bars.height == 70
    assert fake.refused() == 0
    [state] = stored.breakers()
    assert (state.name, state.failures, state.open_until) == ("kiwoom", 0, None)
    assert state.last_success


def test_an_issuer_that_died_is_followed_by_another(database: Database, fake: FakeKiwoom) -> None:
    stored = StoredGuards(database)
    guards = Guards(stored, stored, stored)
    with client_of(fake, guards) as client:
        source_of(client).quotes_of(["000010"])
    with database.connection() as connection:  # as if it had died while asking for a new one
        connection.execute(update(AccessToken).values(token=None))
        connection.commit()
        [key] = connection.execute(AccessToken.__table__.select()).scalars()
    assert stored.claim(str(key), ahead=600, rejected=None, lease=0.5) is not None
    with client_of(fake, guards) as client:
        assert list(source_of(client).quotes_of(["000010"])) == ["000010"]
    assert len(fake.of("au10001")) == 2


def test_what_failed_stands_in_the_breakers_row(database: Database, fake: FakeKiwoom) -> None:
    fake.break_("ka10095", "status", times=99, seconds=503)
    stored = StoredGuards(database)
    with (
        client_of(fake, Guards(stored, stored, stored), attempts=2, threshold=2) as client,
        pytest.raises(SourceUnavailable),
    ):
        source_of(client).quotes_of(["000010"])
    [state] = stored.breakers()
    assert state.open_until
    assert state.last_error == "kiwoom ka10095 000010 and 0 more: HTTP 503"
