"""The lowest modules import nothing of ours that stands above them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {p.name.removesuffix(".py") for p in ROOT.iterdir() if p.suffix == ".py"} | {
    p.name for p in ROOT.iterdir() if (p / "__init__.py").is_file()
}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [("errors", set()), ("tracing", set()), ("logs", {"tracing"}), ("settings", {"errors"})],
)
def test_the_lowest_modules_stand_on_their_own(module: str, allowed: set[str]) -> None:
    tree = ast.parse((ROOT / f"{module}.py").read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported & OURS <= allowed
    assert {"errors", "settings", "market", "db", "scanners"} <= OURS


def test_no_room_asks_the_database_in_the_old_style() -> None:
    """SQLAlchemy's `session.query(…)`."""
    files = [file for room in OURS for file in (ROOT / room).rglob("*.py")]
    asked = [
        (file, node.lineno)
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "query"
        and ast.unparse(node.func.value).endswith(("session", "tx", "connection"))
    ]
    assert len(files) > 200
    assert asked == []
