"""The embedded PostgreSQL: wherever the data folder is, however its users end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from embedded_holder import holding, kill_all, kill_server, server_processes

from db.embedded import embedded_server
from errors import DatabaseError, DatabaseUnavailable

FAST = {"fsync": "off"}


@pytest.fixture
def folder(tmp_path):
    """A data folder as people have them; whatever a test left running is ended."""
    place = tmp_path / "내 문서, and such" / "closebell"
    yield place
    for process in server_processes(place):
        process.kill()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()[0]


def started(url: str) -> object:
    return ask(url, "SELECT pg_postmaster_start_time()")


def remember(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def modes(path: Path) -> dict[Path, int]:
    return {place: place.stat().st_mode for place in path.parents}


def test_what_was_written_is_there_after_a_restart(folder):
    with embedded_server(folder, options=FAST) as url:
        remember(url, 1)
        assert ask(url, "SHOW server_version").startswith("18.")
        assert ask(url, "SHOW server_encoding") == "UTF8"
    assert server_processes(folder) == []
    with embedded_server(folder, options=FAST) as url:
        assert ask(url, "SELECT number FROM kept") == 1


def test_there_is_no_tcp_and_the_socket_lies_in_a_closed_folder(folder):
    with embedded_server(folder, options=FAST) as url:
        assert ask(url, "SHOW listen_addresses") == ""
        cluster = folder / "postgresql" / "cluster"
        assert (cluster / ".s.PGSQL.5432").is_socket()
        assert cluster.stat().st_mode & 0o777 == 0o700
        assert (folder / "postgresql").stat().st_mode & 0o777 == 0o700


def test_the_url_is_short_and_plain_whatever_the_folder_is_called(folder):
    deep = folder.joinpath(*["아주 긴 이름의 폴더"] * 6)
    with embedded_server(deep, options=FAST) as url:
        where = url.partition("host=")[2]
        assert len(where) < 80
        assert where.isascii()
        assert " " not in where
        assert ask(url, "SELECT 1") == 1
    assert not Path(where).parent.exists()


def test_the_link_of_a_killed_user_is_removed_and_a_living_ones_is_not(folder):
    with holding(folder, folder) as [killed, living]:
        links = [Path(holder.url.partition("host=")[2]) for holder in (killed, living)]
        killed.kill()
        assert [link.is_symlink() for link in links] == [True, True]
        with embedded_server(folder, options=FAST):
            assert [link.parent.exists() for link in links] == [False, True]
            assert ask(living.url, "SELECT 1") == 1


def test_a_language_that_is_not_installed_does_not_matter(folder, monkeypatch):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.setenv(name, "xx_YY.UTF-8")
    with embedded_server(folder, options=FAST) as url:
        assert ask(url, "SELECT upper('é')") == "É"


def test_no_permission_outside_the_data_folder_changes(folder):
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    before = modes(folder)
    with embedded_server(folder, options=FAST) as url:
        assert ask(url, "SELECT 1") == 1
    assert modes(folder) == before


def test_the_last_user_stops_the_server_and_no_other(folder):
    with holding(folder) as [long]:
        with embedded_server(folder, options=FAST) as url:
            assert started(url) == started(long.url)
        assert ask(long.url, "SELECT 1") == 1
        assert long.leave() == 0
    assert server_processes(folder) == []


def test_users_that_start_together_share_one_server(folder):
    with holding(folder, folder, folder) as holders:
        assert len({started(holder.url) for holder in holders}) == 1
        assert [holder.leave() for holder in holders] == [0, 0, 0]
    assert server_processes(folder) == []


def test_after_a_killed_user_the_next_finds_the_server_and_stops_it(folder):
    with holding(folder) as [first]:
        when = started(first.url)
        first.kill()
    assert server_processes(folder)
    with embedded_server(folder, options=FAST) as url:
        assert started(url) == when
    assert server_processes(folder) == []


def test_ctrl_c_on_the_user_who_started_it_leaves_the_server_to_the_others(folder):
    with holding(folder) as [first], embedded_server(folder, options=FAST) as url:
        when = started(url)
        first.interrupt_group()
        assert started(url) == when


def test_after_a_killed_server_the_next_start_recovers_and_says_so(folder):
    said: list[str] = []
    with holding(folder) as [first]:
        remember(first.url, 7)
        kill_server(folder)
        with embedded_server(folder, said.append, options=FAST) as url:
            assert ask(url, "SELECT number FROM kept") == 7
    assert said == ["the database is recovering from a crash, waiting…"]


def test_after_everything_was_killed_the_next_start_recovers(folder):
    said: list[str] = []
    with holding(folder) as [first]:
        remember(first.url, 7)
        first.kill()
        kill_all(folder)
    with embedded_server(folder, said.append, options=FAST) as url:
        assert ask(url, "SELECT number FROM kept") == 7
    assert said == ["the database is recovering from a crash, waiting…"]


def test_a_process_that_got_the_dead_servers_number_is_not_taken_for_it(folder):
    with holding(folder) as [first]:
        remember(first.url, 7)
        first.kill()
        kill_all(folder)
    cluster = folder / "postgresql" / "cluster"
    owner = cluster.stat().st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=owner) as stranger:
        for noted in (cluster / "postmaster.pid", cluster / ".s.PGSQL.5432.lock"):
            lines = noted.read_text().splitlines()
            noted.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with embedded_server(folder, options=FAST) as url:
            assert ask(url, "SELECT number FROM kept") == 7
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_is_still_recovering_is_waited_for(folder):
    said: list[str] = []
    with holding(folder) as [first]:
        with psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE much AS SELECT generate_series(1, 200000) AS n")
            connection.execute("UPDATE much SET n = n + 1")
        kill_server(folder)
        with embedded_server(folder, said.append, options=FAST) as url:
            assert ask(url, "SELECT count(*) FROM much") == 200_000
            log = (folder / "postgresql" / "server.log").read_text()
    assert "automatic recovery in progress" in log
    assert said[0] == "the database is recovering from a crash, waiting…"


def test_waiting_has_an_end_that_says_where_to_look(folder):
    with holding(folder) as [first]:
        postmaster = server_processes(folder)[0]
        first.kill()
        postmaster.suspend()
        with (
            pytest.raises(DatabaseUnavailable, match="isn't ready after") as late,
            embedded_server(folder, options=FAST, patience=0),
        ):
            pass
        assert "server.log" in str(late.value.remedy)
        assert postmaster.is_running()
        kill_all(folder)


def test_what_an_interrupted_setup_left_is_removed(folder):
    half = folder / "postgresql" / "new-killed"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with embedded_server(folder, options=FAST) as url:
        assert ask(url, "SELECT 1") == 1
    assert not half.exists()


def test_the_files_of_another_major_version_are_refused(folder):
    with embedded_server(folder, options=FAST):
        pass
    (folder / "postgresql" / "cluster" / "PG_VERSION").write_text("17\n")
    with (
        pytest.raises(DatabaseError, match="made by PostgreSQL 17"),
        embedded_server(folder, options=FAST),
    ):
        pass


def test_a_setting_that_postgresql_refuses_is_told_in_its_words(folder):
    with (
        pytest.raises(DatabaseUnavailable, match="didn't start") as failed,
        embedded_server(folder, options={**FAST, "shared_buffers": "nonsense"}),
    ):
        pass
    assert "server.log" in str(failed.value.remedy)
    assert server_processes(folder) == []


def test_a_data_folder_that_cannot_be_made_is_told_with_the_setting_to_change(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(DatabaseUnavailable, match="can't be used") as failed,
        embedded_server(tmp_path / "file" / "data", options=FAST),
    ):
        pass
    assert "CLOSEBELL_DATA_DIR" in str(failed.value.remedy)


def test_a_server_stopping_while_we_come_is_waited_for_and_started_again(folder):
    with holding(folder) as [first], holding(folder) as [second]:
        first.ask_to_leave()
        second.ask_to_leave()
        with embedded_server(folder, options=FAST) as url:
            assert ask(url, "SELECT 1") == 1
            assert [first.leave(), second.leave()] == [0, 0]
            assert ask(url, "SELECT 1") == 1
    assert server_processes(folder) == []
