"""docs/audit.md answers every row of the audit with a test that is there."""

from __future__ import annotations

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


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[^`]+)`", TOLD))))
def test_the_test_it_names_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    assert (ROOT / path).exists()
    assert name in (ROOT / path).read_text() if name else True


def test_every_row_names_a_test_or_a_check() -> None:
    for row, words in rows(TOLD).items():
        assert "tests/" in words or "lint" in words, row
