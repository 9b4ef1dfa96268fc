"""The versions that must fit each other do."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

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


def test_locks_name_the_extras_that_packages_ask_of_each_other() -> None:
    """pip refuses a lock of `coverage` as soon as `coverage[toml]` has a newer release."""
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    pins = [Requirement(line.removesuffix("\\")) for line in lines if "==" in line]
    locked = {canonicalize_name(pin.name): pin.extras for pin in pins}
    asked = {
        (canonicalize_name(wanted.name), extra, pin.name)
        for pin in pins
        for wanted in wanted_by(pin)
        for extra in wanted.extras
    }
    assert len(asked) > 3
    assert [ask for ask in asked if ask[1] not in locked[ask[0]]] == []


def wanted_by(pin: Requirement) -> Iterator[Requirement]:
    """What an installed package needs, here and with the extras it is locked with."""
    try:
        needs = requires(pin.name) or []
    except PackageNotFoundError:  # of another platform
        return
    for need in map(Requirement, needs):
        extras = ("", *pin.extras)
        if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras):
            yield need
