"""What `pip install .` brings along, as a package that is built from the tracked files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
    ).stdout.split(b"\0")
    for name in filter(None, map(bytes.decode, tracked)):
        if not name.startswith(("tests/", "bench/", "docs/")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=folder, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / "dist" / done.stdout.split()[-1]) as wheel:
        return set(wheel.namelist())


def test_the_deployments_come_along_where_closebell_deploy_looks_for_them(packed):
    (found,) = (name for name in packed if name.endswith("prefect.yaml") and "/data/" in name)
    assert found.partition(".data/data/")[2] == "share/closebell/prefect.yaml"


def test_what_is_no_python_comes_along(packed):
    assert {"api/dashboard/static/words/ko.js", "db/migrations/script.py.mako"} <= packed


def test_nothing_of_the_clone_that_may_hold_secrets_comes_along(packed):
    assert not [name for name in packed if "deployments/" in name or name.endswith(".env")]
