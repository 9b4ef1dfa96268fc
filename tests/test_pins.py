"""The versions that must fit each other do."""

from __future__ import annotations

import importlib
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def test_prefect_s_server_imports_with_the_locked_fastapi() -> None:
    assert version("fastapi") in SpecifierSet(">=0.139,<0.151")
    assert importlib.import_module("prefect.server.api.server").create_app


def test_locks_carry_hashes_and_no_index() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pinned = [line for line in lines if "==" in line]
        assert len(pinned) > 50
        assert all(line.endswith("\\") for line in pinned), f"{name}: a pin without a hash"
        assert not [line for line in lines if "://" in line or line.startswith("--index")]


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = (ROOT / "requirements.txt").read_text()
    for dependency in project["dependencies"]:
        name = dependency.split(">")[0].split("=")[0].split("<")[0].split("[")[0]
        assert f"\n{name}==" in f"\n{locked}" or f"\n{name}[" in f"\n{locked}", name
