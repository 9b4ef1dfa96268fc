"""Prefect is never loaded before its home is set."""

from __future__ import annotations

import subprocess
import sys


def test_the_command_line_starts_without_prefect() -> None:
    code = "import sys, cli.main; print([m for m in ('prefect',) if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
