"""The dashboard's modules hold their own types, told in JSDoc."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
STATIC = ROOT / "api" / "dashboard" / "static"
LATE = ("views/chart.js", "views/equity.js", "model/export.js")
"""Modules that are only imported when they are needed."""


def test_the_modules_keep_their_types(tmp_path):
    deno = Path(sys.executable).with_name("deno")
    program = str(deno) if deno.is_file() else shutil.which("deno")
    if program is None:
        pytest.skip("deno missing, the dashboard's types are NOT checked: pip install deno")
    done = subprocess.run(
        [program, "check", "--no-remote", "--no-npm", "--no-lock", "app.js", *LATE],
        cwd=STATIC,
        env=os.environ | {"NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1", "DENO_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


def test_every_module_is_among_those_checked():
    reached, waiting = set(), [STATIC / name for name in ("app.js", *LATE)]
    while waiting:
        file = waiting.pop()
        if file in reached or file.parent.name == "vendor":
            continue
        reached.add(file)
        for line in file.read_text("utf-8").splitlines():
            name = line.rpartition('from "')[2].partition('"')[0]
            if name.startswith("."):
                waiting.append((file.parent / name).resolve())
    everything = {f for f in STATIC.rglob("*.js") if f.parent.name != "vendor"}
    assert everything - reached == {STATIC / "boot.js"}
