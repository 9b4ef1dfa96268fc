"""`closebell doctor` on the API's role and on alerts."""

from __future__ import annotations

import psycopg
import pytest
from databases import emptied

from cli.doctor_api import look_at_alerts, look_at_role
from db.reading_role import READER_ROLE, make_reader
from market.clock import SystemClock
from settings import Settings


@pytest.fixture
def url(postgres_url):
    with emptied(postgres_url) as database:
        with database.connection() as connection:
            make_reader(connection)
            connection.commit()
        yield database.url


def test_without_a_role_the_grants_are_printed_and_they_work_as_printed(url):
    name, ok, detail, remedy = look_at_role(Settings(database_url=url))
    assert (name, ok) == ("api role", True)
    assert "CLOSEBELL_API_DATABASE_URL" in detail
    statements = remedy[remedy.index("CREATE ROLE") :].replace("closebell_reader", "typed_by_hand")
    assert "GRANT SELECT ON ALL TABLES" in statements
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(statements)
        try:
            role = url.replace("://closebell@", "://typed_by_hand@", 1)
            assert role != url
            found = look_at_role(Settings(database_url=url, api_database_url=role))
            assert found[1:] == (True, found[2], None)
            assert "may only read" in found[2]
        finally:
            owner.execute("DROP OWNED BY typed_by_hand")
            owner.execute("DROP ROLE typed_by_hand")


def test_a_role_that_may_write_is_refused(url):
    _, ok, detail, remedy = look_at_role(Settings(database_url=url, api_database_url=url))
    assert not ok
    assert "may write" in detail
    assert "GRANT SELECT" in remedy


def test_a_role_that_can_not_connect_is_refused_without_its_password(url):
    nobody = "postgresql://nobody:hunter22@127.0.0.1:1/postgres"
    _, ok, detail, remedy = look_at_role(Settings(database_url=url, api_database_url=nobody))
    assert not ok
    assert "hunter22" not in f"{detail}{remedy}"


def test_the_embedded_database_needs_no_words():
    assert look_at_role(Settings())[1] is True
    assert READER_ROLE == "closebell_reader"


def test_alerts_are_looked_at_only_when_there_are_any(database):
    assert list(look_at_alerts(Settings(), database)) == []
    wrong = Settings(alerts={"rules": ["x"]})
    ((_, ok, detail, _),) = look_at_alerts(wrong, database)
    assert (ok, "alerts.rules.0.when" in detail) == (False, True)
    here = {"recipients": {"a": "json://127.0.0.1/x"}, "rules": ["gate changes colour"]}
    ((_, ok, detail, remedy),) = look_at_alerts(Settings(alerts=here), database)
    assert (ok, remedy) == (True, "to send them: closebell alerts run")
    assert "not running; 0 waiting" in detail


def test_a_message_that_failed_is_not_well(database):
    now = SystemClock().now()
    with database.transaction() as tx:
        tx.alerts.queue("a", [{"kind": "test", "rule": "x", "facts": {}}], now)
        tx.alerts.failed(tx.alerts.begin("a", now).id, "HTTP 500", now)
    here = {"recipients": {"a": "json://127.0.0.1/x"}, "rules": ["gate changes colour"]}
    ((_, ok, detail, remedy),) = look_at_alerts(Settings(alerts=here), database)
    assert (ok, remedy) == (False, "closebell alerts status")
    assert "1 failed" in detail
