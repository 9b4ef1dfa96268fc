"""The pages as a site: no broken link, nothing fetched from elsewhere, every decision listed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from doc_examples import DOCS, ROOT

FETCHED = re.compile(
    r"<(?:script|img|iframe|source)[^>]+src=\"?(https?:)?//|"
    r"<link[^>]+rel=\"?(?:stylesheet|preload|preconnect)\"?[^>]+href=\"?(https?:)?//"
)


def test_the_site_builds_without_a_broken_link_and_fetches_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 25
    assert [page.name for page in pages if FETCHED.search(page.read_text())] == []


def test_every_decision_is_listed():
    folder = DOCS / "decisions"
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {page.name for page in folder.glob("*.md")} - {"README.md"}


def test_what_the_readmes_link_to_is_there():
    for name in ("README.md", "README.ko.md"):
        targets = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text())
        assert len(targets) > 5
        assert [target for target in targets if not (ROOT / Path(target)).exists()] == []
