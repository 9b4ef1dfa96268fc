"""The version of the tables: read, checked, brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateSchema

from db.migrations import HEAD
from errors import SchemaOutdated

if TYPE_CHECKING:
    from alembic.config import Config

Market = Literal["real", "sample"]
SCHEMAS: Final[Mapping[Market, str]] = {"real": "public", "sample": "sample"}
_MIGRATING = 0x636C6F7365  # advisory lock: one upgrade at a time


@dataclass(frozen=True)
class SchemaStatus:
    """`current` is None in a database without our tables."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head

    @property
    def newer(self) -> bool:
        return self.current is not None and self.current > self.head

    def require(self) -> None:
        """Refuse tables of another version.

        Raises:
            SchemaOutdated: with what to do about it.
        """
        if self.newer:
            raise SchemaOutdated(
                f"the tables are of version {self.current}, newer than this program's {self.head}",
                remedy="install the newer closebell",
            )
        if not self.up_to_date:
            raise SchemaOutdated(
                f"the tables are of version {self.current or 'none'},"
                f" this program needs {self.head}",
                remedy="closebell db upgrade",
            )


def schema_status(connection: Connection) -> SchemaStatus:
    """Which version the tables are of, and which this program needs."""
    if not inspect(connection).has_table("alembic_version"):
        return SchemaStatus(None, HEAD)
    current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return SchemaStatus(current, HEAD)


def create_schema(connection: Connection, schema: str) -> None:
    """Make the schema if it isn't there; `public` always is."""
    if schema not in inspect(connection).get_schema_names():
        connection.execute(CreateSchema(schema, if_not_exists=True))


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to `revision` ("base": remove them) in the connection's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
    from alembic import command  # slow to import, rarely needed

    config = _config(connection)
    if revision == "base":
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def migrations() -> Path:
    """The folder of the migrations."""
    return Path(__file__).parent / "migrations"


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
