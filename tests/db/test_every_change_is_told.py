"""Every repository's writes are walked: each tells of what readers may have kept."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "db" / "repositories"
WRITING = {
    *("insert", "update", "delete", "upsert", "store", "staged", "insert_missing"),
    *("update_differing", "replace_rows", "copy_into"),
}
TOLD = "changed"
SILENT = {
    "AlertsRepository": "what is sent is shown by no list",
    "Corrections": "shown by no list; the bars that were corrected tell",
    "Events": "it is what tells",
    "Imports": "shown by no list",
    "NewsRepository": "shown by no list",
    "Snapshots": "shown by no list",
    "Sources": "health isn't kept",
    "Sweeps": "shown by no list",
}


def classes() -> list[ast.ClassDef]:
    return [
        node
        for file in sorted(FOLDER.glob("*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]


def called(node: ast.AST) -> set[str]:
    """The names of everything that is called inside."""
    names = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            function = one.func
            names.add(function.attr if isinstance(function, ast.Attribute) else "")
            names.add(function.id if isinstance(function, ast.Name) else "")
    return names


def reached(owner: ast.ClassDef, method: ast.FunctionDef) -> set[str]:
    """The same, through the class's own methods."""
    own = {one.name: one for one in owner.body if isinstance(one, ast.FunctionDef)}
    names, seen, left = set(), set(), [method.name]
    while left:
        name = left.pop()
        if name in own and name not in seen:
            seen.add(name)
            names |= called(own[name])
            left += called(own[name])
    return names


def writers() -> list[tuple[str, str, set[str]]]:
    return [
        (owner.name, method.name, reached(owner, method))
        for owner in classes()
        for method in owner.body
        if isinstance(method, ast.FunctionDef)
        and not method.name.startswith("_")
        and reached(owner, method) & WRITING
    ]


@pytest.mark.parametrize(
    ("owner", "method", "calls"), writers(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_method_that_writes_tells_of_it_or_its_repository_is_silent_for_a_reason(
    owner, method, calls
):
    assert TOLD in calls or SILENT.get(owner), f"{owner}.{method} writes and tells nobody"


def test_the_walk_finds_the_writes_there_are():
    found = {(owner, method) for owner, method, _ in writers()}
    assert {
        ("Signals", "replace"),
        ("Gates", "replace"),
        ("Runs", "add"),
        ("Bars", "store"),
        ("InstrumentsRepository", "observe"),
        ("NetBuyingRepository", "store"),
        ("Keys", "revoke"),
    } <= found
    assert set(SILENT) <= {owner.name for owner in classes()}
