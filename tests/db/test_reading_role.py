"""A role that may write anything, in any way, isn't taken for one that may only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from db.database import Database
from db.engine import Pool
from db.reading_role import can_write, grants, open_for_reading
from errors import SettingsError
from settings import Settings

PROBE, OTHER = "closebell_probe", "closebell_other"
READING = [s for s in grants(PROBE, "current_user") if "DEFAULT PRIVILEGES" not in s]
WAYS = {
    "some columns": ["GRANT UPDATE (status) ON signals TO {role}"],
    "a table": ["GRANT DELETE ON events TO {role}"],
    "a table of the other market": [
        "CREATE TABLE sample.probed (a int)",
        "GRANT INSERT ON sample.probed TO {role}",
    ],
    "a sequence": ["GRANT USAGE ON SEQUENCE events_id_seq TO {role}"],
    "making tables": ["GRANT CREATE ON SCHEMA public TO {role}"],
    "making schemas": ["GRANT CREATE ON DATABASE {database} TO {role}"],
    "a table of its own": [
        "CREATE TABLE sample.probed (a int)",
        "ALTER TABLE sample.probed OWNER TO {role}",
        "REVOKE ALL ON sample.probed FROM {role}",
    ],
}
ROLES = {
    "making roles": "ALTER ROLE {probe} CREATEROLE",
    "making databases": "ALTER ROLE {probe} CREATEDB",
    "being a superuser": "ALTER ROLE {probe} SUPERUSER",
    "writing by a role that PostgreSQL made": "GRANT pg_write_all_data TO {probe}",
}


@contextmanager
def probing(url: str, *statements: str) -> Iterator[Database]:
    """The database for a new role that was granted reading, and these."""
    with psycopg.connect(url, autocommit=True) as owner:
        names = {
            "probe": sql.Identifier(PROBE),
            "other": sql.Identifier(OTHER),
            "database": sql.Identifier(owner.info.dbname),
        }
        plain = Database(url)
        reading = Database(plain.url_as(PROBE))
        try:
            owner.execute(f"CREATE ROLE {PROBE} LOGIN NOINHERIT")
            owner.execute(f"CREATE ROLE {OTHER}")
            for statement in (*READING, *statements):
                owner.execute(sql.SQL(statement).format(**names))
            yield reading
        finally:
            reading.close()
            plain.close()
            owner.execute(f"DROP OWNED BY {PROBE}, {OTHER}")
            owner.execute(f"DROP ROLE {PROBE}, {OTHER}")
            owner.execute("DROP TABLE IF EXISTS sample.probed")


def may_write(database: Database) -> bool:
    with database.connection() as connection:
        return can_write(connection)


def test_a_role_that_was_granted_reading_only_reads(postgres_url: str) -> None:
    with probing(postgres_url) as reading:
        assert not may_write(reading)


@pytest.mark.parametrize("way", WAYS)
def test_a_role_that_may_write_is_told_from_one_that_reads(postgres_url: str, way: str) -> None:
    statements = [statement.replace("{role}", "{probe}") for statement in WAYS[way]]
    with probing(postgres_url, *statements) as reading:
        assert may_write(reading)


@pytest.mark.parametrize("way", ["some columns", "a table", "making schemas"])
def test_a_role_may_write_by_another_that_it_can_take_on(postgres_url: str, way: str) -> None:
    statements = [statement.replace("{role}", "{other}") for statement in WAYS[way]]
    with probing(postgres_url, *statements, "GRANT {other} TO {probe}") as reading:
        assert may_write(reading)


@pytest.mark.parametrize("way", ROLES)
def test_a_role_may_write_by_what_it_is(postgres_url: str, way: str) -> None:
    with probing(postgres_url, ROLES[way]) as reading:
        assert may_write(reading)


@pytest.mark.parametrize("url", ["mysql://a/b", "nonsense", "postgresql://a:b@host:port/c"])
def test_a_wrong_url_of_the_reading_role_is_named_as_such(postgres_url: str, url: str) -> None:
    settings = Settings(database_url=postgres_url, api_database_url=url)
    with (
        pytest.raises(SettingsError, match="CLOSEBELL_API_DATABASE_URL is no PostgreSQL URL"),
        open_for_reading(settings, pool=Pool()),
    ):
        pass
