"""Who may read: keys, scopes, sessions, rates, and what browsers are told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from api_listener import listening
from api_market import publish_everything
from api_server import Served, eventually, read_only, serving
from databases import emptied

from api.guard import Rates
from api.hosts import Hosts
from api.keys import NewKey, make_key
from api.problems import Problem
from api.serving import require_keys
from api.sessions import SESSION_SECONDS, Sessions, secret_of
from db import Database
from db.engine import Pool
from db.reading_role import open_for_reading
from errors import DatabaseError, SettingsError
from settings import Settings


def add_key(database: Database, *scopes: str) -> NewKey:
    key = make_key()
    with database.transaction() as tx:
        tx.keys.add(key.id, "test", scopes or ("read", "live"), key.secret_hash)
    return key


@pytest.fixture(scope="module")
def guarded(postgres_url):
    with emptied(postgres_url) as database:
        publish_everything(database)
        key = add_key(database)
        with serving(database) as served:
            yield served, database, key


@pytest.fixture
def locked(guarded) -> Served:
    return guarded[0]


def test_the_reading_role_can_not_write(postgres_url):
    with emptied(postgres_url) as database:
        reading = read_only(database)
        for statement in (
            "INSERT INTO events (topic, kind, payload) VALUES ('a', 'b', '{}')",
            "UPDATE signals SET status = 'open'",
            "DELETE FROM api_keys",
            "TRUNCATE daily_bars",
            "CREATE TABLE mine (a int)",
            "DROP TABLE events",
        ):
            with psycopg.connect(reading.url) as connection:
                connection.execute("SET TRANSACTION READ WRITE")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
        with pytest.raises(DatabaseError), reading.transaction() as tx:
            tx.keys.add("abc", "mine", [], b"")
        reading.close()


def test_a_role_that_may_write_is_refused_at_the_start(postgres_url):
    settings = Settings(api_database_url=postgres_url)
    with (
        pytest.raises(SettingsError, match="CLOSEBELL_API_DATABASE_URL") as refused,
        open_for_reading(settings, pool=Pool()),
    ):
        pass
    assert "GRANT SELECT" in refused.value.remedy
    missing = Settings(database_url=postgres_url)
    with (
        pytest.raises(SettingsError, match="CLOSEBELL_API_DATABASE_URL is needed"),
        open_for_reading(missing, pool=Pool()),
    ):
        pass


def test_beyond_this_machine_it_starts_only_with_keys_or_when_told_to():
    for host in ("127.0.0.1", "::1", "localhost"):
        require_keys(Settings(api_host=host), has_keys=False)
    for host in ("0.0.0.0", "::", "192.168.1.2", "closebell.example"):
        with pytest.raises(SettingsError, match="no API key"):
            require_keys(Settings(api_host=host), has_keys=False)
        require_keys(Settings(api_host=host), has_keys=True)
        require_keys(Settings(api_host=host, api_without_keys=True), has_keys=False)


@pytest.mark.parametrize(
    "path", ["/api/kr/signals", "/api/kr/market-gate", "/metrics", "/api/kr/scans", "/nothing"]
)
def test_without_a_valid_key_nothing_is_told(locked, path):
    with locked.client() as client:
        for headers in (
            {},
            {"X-API-Key": "cb_aaaaaaaa_" + "x" * 43},
            {"X-API-Key": "nonsense"},
            {"Cookie": "closebell_session=a.1.b"},
        ):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_opens_by_either_header(guarded):
    served, _, key = guarded
    with served.client() as client:
        assert client.get("/api/kr/signals", headers={"X-API-Key": key.text}).status_code == 200
        bearer = {"Authorization": f"Bearer {key.text}"}
        assert client.get("/api/kr/signals", headers=bearer).status_code == 200
        changed = key.text[:-1] + ("A" if key.text[-1] != "A" else "B")
        assert client.get("/api/kr/signals", headers={"X-API-Key": changed}).status_code == 401


def test_a_key_may_do_only_what_its_scopes_say(guarded):
    served, database, _ = guarded
    only_live, metrics = add_key(database, "live"), add_key(database, "metrics")
    with served.client() as client:
        get = lambda path, key: client.get(path, headers={"X-API-Key": key.text}).status_code  # noqa: E731
        eventually(lambda: get("/metrics", metrics) == 200)
        assert get("/api/kr/signals", metrics) == 403
        assert get("/api/kr/signals", only_live) == 403
        assert get("/metrics", only_live) == 403


def test_a_revoked_key_and_its_session_are_worthless_at_once(guarded):
    served, database, _ = guarded
    key = add_key(database)
    with served.client() as client:
        headers = {"X-API-Key": key.text}
        eventually(lambda: client.get("/api/kr/scans", headers=headers).status_code == 200)
        assert client.post("/session", headers=headers).status_code == 200
        assert client.get("/api/kr/scans").status_code == 200  # by the cookie
        with database.transaction() as tx:
            assert tx.keys.revoke(key.id)
        refused = (401, 429)  # the latter after many wrong ones, as polling makes them
        eventually(lambda: client.get("/api/kr/scans", headers=headers).status_code in refused)
        assert client.get("/api/kr/scans").status_code == 401


def test_a_session_is_a_cookie_no_page_can_read(guarded):
    served, _, key = guarded
    with served.client() as client:
        answer = client.post("/session", json={"key": key.text})
        cookie = answer.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
            assert part in cookie
        assert key.text not in cookie
        assert client.get("/api/kr/signals").status_code == 200
        forged = client.cookies["closebell_session"].replace(".", ".9", 1)
        assert (
            httpx.get(
                f"{served.url}/api/kr/scans", cookies={"closebell_session": forged}
            ).status_code
            == 401
        )
        assert client.delete("/session").status_code == 204
        assert client.get("/api/kr/signals").status_code == 401
        assert client.post("/session", json={"key": "wrong"}).status_code == 401
        assert client.post("/session").status_code == 401


def test_what_the_database_holds_of_a_key_makes_no_session(guarded):
    served, _, key = guarded
    with served.client() as client:
        client.post("/session", json={"key": key.text})
        _, expiry, _ = client.cookies["closebell_session"].split(".")
    signed = f"closebell session {key.id} {expiry}".encode()
    forged = hmac.new(key.secret_hash, signed, hashlib.sha256).hexdigest()
    cookies = {"closebell_session": f"{key.id}.{expiry}.{forged}"}
    assert httpx.get(f"{served.url}/api/kr/scans", cookies=cookies).status_code == 401


def test_a_session_lasts_twelve_hours_and_none_is_longer():
    sessions = Sessions(lambda: b"secret")
    session = sessions.begin("abcdefgh", 1_000_000)
    assert sessions.key_of(session, 1_000_000 + SESSION_SECONDS - 1) == "abcdefgh"
    assert sessions.key_of(session, 1_000_000 + SESSION_SECONDS) is None
    assert sessions.key_of(session, 999_999) is None, "it would outlast what is ever given"
    assert Sessions(lambda: b"other").key_of(session, 1_000_000) is None


def test_the_secret_of_sessions_is_made_once_for_its_owner_only(tmp_path):
    settings = Settings(data_dir=tmp_path / "new")
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: secret_of(settings), range(8)))
    assert [len(secret) for secret in made] == [64]
    [file] = settings.data_dir.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_of(Settings(data_dir=tmp_path, session_secret="x" * 32)) == b"x" * 32
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="no secret for sessions"):
        secret_of(Settings(data_dir=tmp_path / "file"))


def test_a_secret_that_is_short_or_open_to_others_is_refused(tmp_path):
    settings, file = Settings(data_dir=tmp_path), tmp_path / "session.secret"
    file.touch(0o600)
    with pytest.raises(SettingsError, match="too short"):
        secret_of(settings)
    file.write_text("x" * 32)
    assert secret_of(settings) == b"x" * 32
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read"):
        secret_of(settings)


def test_another_programs_odd_cookie_hides_no_session(guarded):
    served, _, key = guarded
    with served.client() as client:
        client.post("/session", json={"key": key.text})
        session = client.cookies["closebell_session"]
    header = {"Cookie": f'pref={{"a": 1}}; closebell_session={session}; x=[1, 2]'}
    assert httpx.get(f"{served.url}/api/kr/scans", headers=header).status_code == 200


def test_only_the_hash_of_a_key_is_stored(guarded):
    _, database, key = guarded
    with psycopg.connect(database.url) as connection:
        rows = connection.execute("SELECT id, name, scopes::text, secret_hash FROM api_keys")
        everything = str(rows.fetchall())
    assert key.id in everything
    assert key.text.rpartition("_")[2] not in everything


def test_with_keys_or_beyond_this_machine_any_name_does(guarded, postgres_url):
    served, _, key = guarded
    headers = {"Host": "desk.example", "X-API-Key": key.text}
    assert httpx.get(f"{served.url}/api/kr/scans", headers=headers).status_code == 200
    assert Hosts(Settings(api_host="0.0.0.0")).know([(b"host", b"desk.example")])


def test_what_can_be_asked_needs_a_key_too_and_its_page_loads_nothing(guarded):
    served, _, key = guarded
    with served.client() as client:
        for path in ("/docs", "/openapi.json"):
            assert client.get(path).status_code == 401
        page = client.get("/docs", headers={"X-API-Key": key.text})
    assert page.status_code == 200
    assert "GET /api/kr/market-gate/history" in page.text
    assert not any(word in page.text for word in ("<script", "<link", "<img", "src="))
    assert page.headers["content-security-policy"].startswith("default-src 'none';")


def test_a_key_is_never_logged(guarded, capfd):
    served, _, key = guarded
    with served.client() as client:
        client.get("/api/kr/signals?limit=x", headers={"X-API-Key": key.text})
        client.get("/api/kr/signals", headers={"X-API-Key": key.text[:-1]})
    assert key.text[12:-1] not in "".join(capfd.readouterr())


def test_revoking_the_last_key_opens_nothing(postgres_url):
    with emptied(postgres_url) as database:
        key = add_key(database)
        with database.transaction() as tx:
            tx.keys.revoke(key.id)
        with serving(database) as served, served.client() as client:
            assert client.get("/api/kr/signals").status_code == 401


def test_guessing_keys_is_slow(postgres_url):
    with emptied(postgres_url) as database:
        add_key(database)
        with serving(database) as served, served.client() as client:
            answers = [client.get("/api/kr/scans", headers={"X-API-Key": "x"}) for _ in range(25)]
    assert [a.status_code for a in answers] == [401] * 20 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) > 0


def test_an_address_may_ask_only_so_often(postgres_url):
    with (
        emptied(postgres_url) as database,
        serving(database, api_rate_limit="5/hour") as served,
        served.client() as client,
    ):
        answers = [client.get("/api/kr/signals") for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        assert answers[-1].json()["type"] == "urn:closebell:problem:too-many-requests"
        assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
        assert client.get("/health").status_code == 429
        for path in ("/health/live", "/health/ready"):
            assert client.get(path).status_code == 200


def test_retry_after_is_what_is_left_of_the_window(monkeypatch):
    rates = Rates("1/hour")
    rates.ask("somebody")
    now = time.time()
    monkeypatch.setattr("api.guard.time.time", lambda: now + 3000)
    with pytest.raises(Problem) as refused:
        rates.ask("somebody")
    assert 0 < int(refused.value.headers["Retry-After"]) <= 601


def test_without_keys_it_is_asked_by_its_own_names_only(postgres_url):
    ours = ("localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "desk.example")
    others = ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::1", "192.168.1.2")
    with (
        emptied(postgres_url) as database,
        serving(database, api_origins="https://desk.example") as served,
        served.client() as client,
    ):
        for path in ("/api/kr/scans", "/", "/health"):
            told = {
                host: client.get(path, headers={"Host": host}).status_code
                for host in (*ours, *others)
            }
            assert told == dict.fromkeys(ours, 200) | dict.fromkeys(others, 421)
        assert client.get("/health/live", headers={"Host": "10.1.2.3"}).status_code == 200


def test_a_socket_by_another_name_is_told_so_and_not_that_it_needs_a_key(postgres_url):
    async def talk(served):
        address = "ws://evil.example/ws"
        async with listening(address, host="127.0.0.1", port=served.port) as client:
            told = await client.next()
            assert (told["type"], told["code"]) == ("error", "wrong-host")
            assert "CLOSEBELL_API_ORIGINS" in told["message"]
            ending = await client.closed()
            assert ending == (1008, "This server isn't known by that name")

    with emptied(postgres_url) as database, serving(database) as served:
        asyncio.run(talk(served))


def test_a_rate_that_can_not_be_read_is_named():
    with pytest.raises(SettingsError, match="CLOSEBELL_API_RATE_LIMIT"):
        Rates("often")


def test_every_answer_carries_the_security_headers(client):
    for path in ("/api/kr/signals", "/nothing", "/health", "/api/kr/signals?limit=0"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_other_sites_pages_may_read_only_when_named(postgres_url, client):
    origin = {"Origin": "https://desk.example"}
    assert (
        "access-control-allow-origin" not in client.get("/api/kr/signals", headers=origin).headers
    )
    asked = origin | {"Access-Control-Request-Method": "GET"}
    assert (
        "access-control-allow-origin" not in client.options("/api/kr/scans", headers=asked).headers
    )
    with (
        emptied(postgres_url) as database,
        serving(database, api_origins="https://desk.example") as served,
        served.client() as other,
    ):
        answer = other.get("/api/kr/scans", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://desk.example"
        wrong = other.get("/api/kr/scans?limit=0", headers=origin)
        assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (
            422,
            "https://desk.example",
        )
        stranger = other.get("/api/kr/scans", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers
