"""Backup and restore: what comes back is what was there, or nothing changes."""

from __future__ import annotations

import psycopg
import pytest

from db import open_database
from db.backup import back_up, restore
from db.migrations import HEAD
from errors import BadFile, DatabaseError, SchemaOutdated
from settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def stored(tmp_path):
    """Settings of an embedded database with one event in each market."""
    settings = Settings(data_dir=tmp_path / "자료 one")
    for market in ("real", "sample"):
        with open_database(settings, market=market) as db, db.transaction() as tx:
            tx.events.append("scan", "scan_update", {"market": market})
    return settings


def events(settings, market):
    with open_database(settings, market=market) as db, db.reader() as tx:
        return [{"market": event["payload"]["market"]} for event in tx.events.after(0, 10)]


def triggers(settings):
    query = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
    with open_database(settings) as db, psycopg.connect(db.url) as connection:
        return set(connection.execute(query).fetchall())


def test_a_restored_backup_is_what_was_there(stored, tmp_path):
    with open_database(stored) as db, psycopg.connect(db.url) as connection:
        connection.execute("INSERT INTO access_tokens (key, token) VALUES ('k', 'secret')")
    done = back_up(stored, tmp_path / "b.dump")
    assert done.file.stat().st_mode & 0o777 == 0o600
    other = Settings(data_dir=tmp_path / "two")
    assert restore(other, done.file).tables >= done.tables
    assert events(other, "real") == [{"market": "real"}]
    assert events(other, "sample") == [{"market": "sample"}]
    assert triggers(other) == triggers(stored) != set()
    with open_database(other) as db:
        assert db.status().current == HEAD
        with psycopg.connect(db.url) as connection:
            assert connection.execute("SELECT count(*) FROM access_tokens").fetchone() == (0,)
        with db.transaction() as tx:
            tx.events.append("scan", "scan_update", {"market": "later"})
    assert events(other, "real")[-1] == {"market": "later"}, "ids go on where they were"


def test_a_database_with_tables_is_not_restored_into(stored, tmp_path):
    done = back_up(stored, tmp_path / "b.dump")
    with pytest.raises(DatabaseError, match="has tables of closebell already"):
        restore(stored, done.file)
    assert events(stored, "real") == [{"market": "real"}]


def test_a_file_that_is_there_is_not_overwritten(stored, tmp_path):
    (tmp_path / "b.dump").write_text("mine")
    with pytest.raises(BadFile, match="is there already"):
        back_up(stored, tmp_path / "b.dump")
    assert (tmp_path / "b.dump").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.dump", stored.data_dir.name]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PGDMP\x01\x0f"])
def test_a_file_that_is_no_backup_is_told_and_nothing_is_made(tmp_path, content):
    (tmp_path / "b.dump").write_bytes(content)
    settings = Settings(data_dir=tmp_path / "two")
    with pytest.raises(BadFile, match="no backup"):
        restore(settings, tmp_path / "b.dump")
    assert not settings.data_dir.exists()


def test_half_a_backup_changes_nothing(stored, tmp_path):
    done = back_up(stored, tmp_path / "b.dump")
    whole = done.file.read_bytes()
    half = tmp_path / "half.dump"
    half.write_bytes(whole[: len(whole) - 200])
    other = Settings(data_dir=tmp_path / "two")
    with pytest.raises(DatabaseError):
        restore(other, half)
    with open_database(other, check=False) as db:
        assert db.status().current is None


def test_a_newer_closebells_backup_is_refused(stored, tmp_path):
    with open_database(stored) as db, psycopg.connect(db.url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = back_up(stored, tmp_path / "b.dump")
    with pytest.raises(SchemaOutdated, match="newer closebell"):
        restore(Settings(data_dir=tmp_path / "two"), done.file)


def test_an_empty_database_has_nothing_to_back_up(tmp_path):
    settings = Settings(data_dir=tmp_path / "new")
    with pytest.raises(DatabaseError, match="nothing is stored"):
        back_up(settings, tmp_path / "b.dump")
    assert not (tmp_path / "b.dump").exists()
