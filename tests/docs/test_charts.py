"""The scanners' charts: drawn from a small invented market, and shown on their pages."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from types import ModuleType
from xml.etree import ElementTree

import pytest
from doc_examples import DOCS

NAMES = ("vcp", "daytrading", "closing-bet", "market-gate")
SCRIPT = DOCS / "charts.py"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ElementTree.Element]:
    folder = tmp_path_factory.mktemp("charts")
    _script().draw(folder, stocks=300)
    return {path.stem: ElementTree.parse(path).getroot() for path in folder.iterdir()}


def test_four_well_formed_pictures_are_drawn_for_an_invented_market(drawn):
    assert set(drawn) == set(NAMES)
    for picture in drawn.values():
        assert picture.tag == f"{SVG}svg"
        assert "nvented" in picture.get("aria-label")
        assert len(list(picture.iter(f"{SVG}polyline"))) + len(list(picture.iter(f"{SVG}g"))) > 2


def test_levels_and_limits_are_named_with_their_values(drawn):
    for name in NAMES[:3]:
        assert {"entry", "target", "stop"} <= {words.split(" ")[0] for words in _words(drawn[name])}
    assert {"GREEN from 70", "GREEN ends below 65", "RED ends at 45", "RED below 40"} <= set(
        _words(drawn["market-gate"])
    )


def test_the_command_finds_the_scanners_and_not_the_folder_of_their_pages():
    """As `python docs/charts.py` does: the script's folder comes first on the path."""
    code = f"import runpy, sys; sys.path[0] = {str(DOCS)!r}; runpy.run_path({str(SCRIPT)!r})"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=DOCS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_page_shows_its_own_picture_and_says_how_it_is_drawn(name):
    page = (DOCS / "scanners" / f"{name}.md").read_text()
    assert f"]({name}.svg)" in page
    assert "`python docs/charts.py`" in page
    assert ElementTree.parse(DOCS / "scanners" / f"{name}.svg").getroot().tag == f"{SVG}svg"


def _words(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_charts", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module
