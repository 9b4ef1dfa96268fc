"""Examples out of the pages of docs/: whole files, and changes to files that are there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "tests", "docs", "bench", "*.egg-info"
)


@dataclass(frozen=True)
class Example:
    """A block with a title: a file's name."""

    language: str
    title: str
    text: str


def examples(page: str, heading: str | None = None) -> list[Example]:
    """The titled blocks of a page, or of the part of it under a heading of the second level."""
    text = (DOCS / page).read_text()
    if heading is not None:
        text = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [Example(*match.groups()) for match in _BLOCK.finditer(text)]


def copy_program(folder: Path) -> Path:
    """The program's own files in a new folder."""
    return shutil.copytree(ROOT, folder / "program", ignore=_LEFT_OUT)


def lay_over(program: Path, found: list[Example]) -> None:
    """Write the whole files, and make the changes; each must fit exactly one place."""
    for one in found:
        path = program / one.title
        if one.language != "diff":
            assert not path.exists(), f"{one.title} is there already"
            path.write_text(one.text)
            continue
        text = path.read_text()
        for old, new in _changes(one.text):
            assert old != new, f"nothing changes in {one.title}: {old}"
            assert text.count(old) == 1, f"{text.count(old)} places in {one.title} for:\n{old}"
            text = text.replace(old, new)
        path.write_text(text)


def _changes(diff: str) -> Iterator[tuple[str, str]]:
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        yield old, "".join(line[1:] for line in lines if line[0] in " +")
