"""The dashboard's modules hold their own types, told in JSDoc."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
STATIC = ROOT / "api" / "dashboard" / "static"


def test_the_modules_keep_their_types(tmp_path):
    deno = Path(sys.executable).with_name("deno")
    program = str(deno) if deno.is_file() else shutil.which("deno")
    if program is None:
        pytest.skip("deno missing, the dashboard's types are NOT checked: pip install deno")
    done = subprocess.run(
        [program, "check", "--no-remote", "--no-npm", "--no-lock", "app.js"],
        cwd=STATIC,
        env=os.environ | {"NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1", "DENO_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr


def test_every_module_is_among_those_checked():
    reached, waiting = set(), [STATIC / "app.js"]
    while waiting:
        file = waiting.pop()
        if file in reached or file.parent.name == "vendor":
            continue
        reached.add(file)
        names = re.findall(r'(?:from |import\()"(\.[^"]+)"', file.read_text("utf-8"))
        waiting += [(file.parent / name).resolve() for name in names]
    everything = {f for f in STATIC.rglob("*.js") if f.parent.name != "vendor"}
    assert everything - reached == {STATIC / "boot.js"}
