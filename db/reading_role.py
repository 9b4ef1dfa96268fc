"""The role that may only read: what the API connects as."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from pydantic import SecretStr
from sqlalchemy import Connection, text

from db.database import Database, open_database
from db.engine import SERVER, Pool, our_errors, parse_url
from db.schema import SCHEMAS, Market
from errors import SettingsError
from settings import Settings

READER_ROLE = "closebell_reader"
_CREATING = 0x726F6C65  # advisory lock: one at a time
_CAN_WRITE = """
SELECT EXISTS (
  SELECT FROM pg_roles AS role
  WHERE pg_has_role(session_user, role.oid, 'MEMBER') AND (
    role.rolsuper OR role.rolcreaterole OR role.rolcreatedb
    OR role.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')
    OR has_database_privilege(role.oid, current_database(), 'CREATE')
    OR EXISTS (
      SELECT FROM pg_namespace
      WHERE nspname = ANY(:schemas) AND has_schema_privilege(role.oid, oid, 'CREATE'))
    OR EXISTS (
      SELECT FROM pg_class AS held JOIN pg_namespace AS place ON place.oid = held.relnamespace
      WHERE place.nspname = ANY(:schemas) AND CASE
        WHEN held.relowner = role.oid THEN true
        WHEN held.relkind = 'S' THEN has_sequence_privilege(role.oid, held.oid, 'USAGE, UPDATE')
        WHEN held.relkind IN ('r', 'p', 'v', 'm', 'f') THEN
          has_table_privilege(role.oid, held.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
          OR has_any_column_privilege(role.oid, held.oid, 'INSERT, UPDATE')
        ELSE false END)))
"""


def grants(role: str, owner: str) -> list[str]:
    """The statements that let `role` read everything that `owner` makes, and write nothing."""
    statements = []
    for schema in SCHEMAS.values():
        statements += [
            f'CREATE SCHEMA IF NOT EXISTS "{schema}"',
            f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}"',
            f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO "{role}"',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{schema}"'
            f' GRANT SELECT ON TABLES TO "{role}"',
        ]
    return [*statements, f'ALTER ROLE "{role}" SET default_transaction_read_only = on']


def make_reader(connection: Connection, role: str = READER_ROLE) -> None:
    """Create the role unless it is there, and grant it what it lacks."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATING})
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.scalar(known, {"role": role}) is None:
        connection.execute(text(f'CREATE ROLE "{role}" LOGIN'))
    owner = connection.scalar(text("SELECT current_user"))
    for statement in grants(role, str(owner)):
        connection.execute(text(statement))


def can_write(connection: Connection) -> bool:
    """Whether who is connected may change or make anything in either market.

    By a right on a table, some of its columns or a sequence, by making tables, schemas, databases
    or roles, or by any role it may take on.
    """
    return bool(connection.scalar(text(_CAN_WRITE), {"schemas": list(SCHEMAS.values())}))


@contextmanager
def open_for_reading(
    settings: Settings,
    on_message: Callable[[str], None] = lambda _: None,
    *,
    market: Market = "real",
    pool: Pool,
) -> Iterator[Database]:
    """The database as a role that may only read: CLOSEBELL_API_DATABASE_URL, else our own.

    Raises:
        SettingsError: the role isn't set, or it may write.
        DatabaseUnavailable: it can't be reached or started.
        SchemaOutdated: `closebell db upgrade` is due.
    """
    with ExitStack() as stack:
        url = settings.api_database_url or stack.enter_context(_ours(settings, on_message, market))
        parse_url(url.get_secret_value(), "CLOSEBELL_API_DATABASE_URL")
        reading = Database(url.get_secret_value(), market, pool=pool, reading=SERVER)
        stack.callback(reading.close)
        reading.status().require()
        with our_errors(), reading.connection() as connection:
            refused = can_write(connection)
        if refused:
            raise SettingsError(
                "the role of CLOSEBELL_API_DATABASE_URL may write",
                remedy="give it a role of its own:\n" + manual("closebell_reader"),
            )
        yield reading


@contextmanager
def _ours(
    settings: Settings, on_message: Callable[[str], None], market: Market
) -> Iterator[SecretStr]:
    if settings.database_url is not None:
        raise SettingsError(
            "CLOSEBELL_API_DATABASE_URL is needed beside CLOSEBELL_DATABASE_URL",
            remedy="name a role that may only read, made by its owner with:\n"
            + manual("closebell_reader", _user(settings.database_url)),
        )
    with open_database(settings, on_message, market=market) as database:
        with our_errors(), database.connection() as connection:
            make_reader(connection)
            connection.commit()
        yield SecretStr(database.url_as(READER_ROLE))


def manual(role: str, owner: str = "closebell") -> str:
    """What a database's owner types to make the role."""
    lines = [f"CREATE ROLE \"{role}\" LOGIN PASSWORD '…'", *grants(role, owner)]
    return ";\n".join(lines) + ";"


def _user(url: SecretStr) -> str:
    return parse_url(url.get_secret_value()).username or "closebell"
