"""Draws docs/terminal.svg: what `make run` prints. Run it after the output changed."""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

WIDTH = 132
CELL = 12.2  # pixels, as Rich draws them
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
    Path(__file__).with_name("terminal.svg").write_text(placed(local), encoding="utf-8")


def placed(picture: str) -> str:
    """The picture with every word in its own place: Rich counts 한 as one cell wide, not two."""

    def apart(found: re.Match[str]) -> str:
        before, x, between, after, inside = found.groups()
        pieces, at = [], float(x)
        for n, piece in enumerate(re.split("((?:&#160;){2,})", inside)):
            wide = CELL * cell_len(html.unescape(piece))
            if piece and n % 2 == 0:
                pieces.append(
                    f'<text{before}x="{at:g}"{between}textLength="{wide:g}"{after}>{piece}</text>'
                )
            at += wide
        return "".join(pieces)

    return re.sub(
        r'<text([^>]*? )x="([\d.]+)"([^>]*? )textLength="[\d.]+"([^>]*)>(.*?)</text>',
        apart,
        picture,
    )


if __name__ == "__main__":
    main()
