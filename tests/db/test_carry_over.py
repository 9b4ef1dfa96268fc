"""An embedded database of an older PostgreSQL: still run, and carried over when asked."""

from __future__ import annotations

import subprocess

import psycopg
import pytest
from embedded_holder import holding, server_processes

from db.embedded import embedded_server
from db.embedded.binaries import MAJOR, bundled
from db.embedded.carry_over import carry_over, due
from db.embedded.cluster import ROLE
from db.embedded.owner import creator_for, owner_for
from errors import DatabaseError

pytestmark = pytest.mark.slow
FAST = {"fsync": "off"}


@pytest.fixture
def older(tmp_path):
    """A data folder as a closebell with PostgreSQL 16 left it."""
    place = tmp_path / "옛 자료"
    folder = place / "postgresql"
    folder.mkdir(parents=True, mode=0o700)
    owner = owner_for(folder)
    creator = creator_for(owner)
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    creator.own(cluster)
    done = creator.run(
        [
            *(str(bundled()["16"] / "bin" / "initdb"), "-D", "/proc/self/cwd"),
            *("-U", ROLE, "-A", "peer", "-E", "UTF8", "--no-locale", "--no-sync"),
        ],
        cwd=cluster,
    )
    assert done.returncode == 0, done.stderr
    with (cluster / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude = 'closebell.conf'\n")
    for path in (folder, cluster, *cluster.rglob("*")):
        owner.own(path)
    yield place
    for process in server_processes(place):
        process.kill()


def ask(url, question):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()[0]


def test_the_unnamed_folder_of_the_wheel_is_postgresql_16():
    told = subprocess.check_output([bundled()["16"] / "bin" / "postgres", "--version"], text=True)
    assert told.startswith("postgres (PostgreSQL) 16.")
    assert MAJOR in bundled()


def test_an_older_database_runs_and_is_carried_over_whole(older):
    with embedded_server(older, options=FAST) as url:
        assert ask(url, "SHOW server_version").startswith("16.")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE SCHEMA sample")
            connection.execute("CREATE TABLE sample.kept AS SELECT generate_series(1, 1000) AS n")
            connection.execute("CREATE TABLE ids (id bigint GENERATED ALWAYS AS IDENTITY)")
            connection.execute("INSERT INTO ids DEFAULT VALUES")
    assert due(older) == "16"

    done = carry_over(older)

    assert (done.before, done.after, done.rows) == ("16", MAJOR, 1001)
    assert due(older) is None
    with embedded_server(older, options=FAST) as url:
        assert ask(url, "SHOW server_version").startswith(MAJOR)
        assert ask(url, "SELECT sum(n) FROM sample.kept") == 500_500
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO ids DEFAULT VALUES")
        assert ask(url, "SELECT max(id) FROM ids") == 2
    assert (done.old / "PG_VERSION").read_text().strip() == "16"
    assert carry_over(older) is None
    names = {path.name for path in (older / "postgresql").iterdir()}
    assert {"cluster", "cluster-16"} <= names
    assert not names & {"cluster-half", "cluster-new"}


def test_a_database_in_use_is_not_carried_over(older):
    with holding(older) as [user]:
        with pytest.raises(DatabaseError, match="another closebell is using"):
            carry_over(older)
        assert ask(user.url, "SHOW server_version").startswith("16.")


def test_a_carry_over_killed_before_the_swap_is_finished_by_the_next_start(older):
    with embedded_server(older, options=FAST) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    carry_over(older)
    folder = older / "postgresql"
    (folder / "cluster").rename(folder / "cluster-new")
    (folder / "cluster-16").rename(folder / "cluster")
    with embedded_server(older, options=FAST) as url:
        assert ask(url, "SHOW server_version").startswith(MAJOR)
        assert ask(url, "SELECT n FROM kept") == 7
    assert (folder / "cluster-16").is_dir()
