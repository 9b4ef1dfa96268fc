"""The tables: made by migrations, the same as the models."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from db.database import Database, open_database
from db.engine import parse_url
from db.migrations import HEAD
from db.models import Base
from db.schema import migrations
from errors import SchemaOutdated
from settings import Settings


@pytest.fixture(params=["embedded", pytest.param("debian", marks=pytest.mark.system)])
def url(request: pytest.FixtureRequest) -> str:
    """Every PostgreSQL that closebell runs on."""
    name = {"embedded": "postgres_url", "debian": "debian_postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


@pytest.fixture
def fresh(url: str):
    """A database without tables; they are back afterwards."""
    database = Database(url)
    database.upgrade("base")
    try:
        yield database
    finally:
        database.upgrade()
        database.close()


def tables(url: str) -> set[str]:
    engine = create_engine(parse_url(url))
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_models_and_migrations_agree(url):
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_upgrade_from_empty_makes_every_table_and_downgrade_removes_them(url, fresh):
    assert tables(url) == set()
    assert fresh.status().current is None
    assert fresh.upgrade().current == HEAD
    assert tables(url) == set(Base.metadata.tables)
    fresh.upgrade("base")
    assert tables(url) == set()


def test_upgrading_again_changes_nothing(postgres_url, database):
    assert database.upgrade().up_to_date
    assert tables(postgres_url) == set(Base.metadata.tables)


def test_the_programs_version_is_the_newest_migration():
    assert ScriptDirectory(str(migrations())).get_current_head() == HEAD


def test_anothers_database_without_tables_is_refused_with_the_remedy(url, fresh):
    settings = Settings(database_url=url)
    with pytest.raises(SchemaOutdated) as refused, open_database(settings):
        pass
    assert refused.value.remedy == "closebell db upgrade"


def test_a_database_of_a_newer_program_is_refused(postgres_url, database):
    settings = Settings(database_url=postgres_url)
    engine = create_engine(parse_url(postgres_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    try:
        with (
            pytest.raises(SchemaOutdated, match="newer than this program"),
            open_database(settings),
        ):
            pass
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD}
            )
        engine.dispose()
