"""Draws docs/terminal.svg: what `make run` prints. Run it after the output changed."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 132
COMMAND = ("run", "end-of-day", "--source", "sample", "--session", "2026-03-13")


def main() -> None:
    program = Path(sys.executable).with_name("closebell")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "CLOSEBELL_DATA_DIR": folder,
            "FORCE_COLOR": "1",
            "COLUMNS": str(WIDTH),
        }
        output = subprocess.run(
            [program, *COMMAND],
            env=environment,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text("$ make run", style="bold"))
    console.print(Text.from_ansi(output))
    picture = console.export_svg(title="closebell")
    local = re.sub(r"@font-face \{.*?\}\n", "", picture, flags=re.DOTALL)  # no font from elsewhere
    Path(__file__).with_name("terminal.svg").write_text(local, encoding="utf-8")


if __name__ == "__main__":
    main()
