"""docs/audit.md answers every row of the audit with a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOLD = (ROOT / "docs" / "audit.md").read_text()


def rows(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| ([A-I]\d) \|(.*)\|$", text, re.MULTILINE))


def test_every_row_of_the_audit_is_answered() -> None:
    source = ROOT.parent / "shared" / "facts" / "audit.md"
    if not source.is_file():
        pytest.skip("the audit itself isn't beside the project")
    assert rows(TOLD).keys() == rows(source.read_text()).keys()
    assert "*open*" not in TOLD


def functions(path: Path) -> set[str]:
    return {
        one.name for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)
    }


@pytest.mark.parametrize(("row", "words"), rows(TOLD).items())
def test_every_row_names_test_functions_that_are_there(row: str, words: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", words)
    assert named, row
    for one in named:
        file, _, function = one.partition("::")
        assert function.startswith("test_"), one
        assert function in functions(ROOT / file), one


@pytest.mark.parametrize("named", re.findall(r"`(tests/[^`:]+)`", TOLD))
def test_the_files_it_names_besides_are_there(named: str) -> None:
    assert (ROOT / named).exists()
