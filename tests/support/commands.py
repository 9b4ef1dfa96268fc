"""Running `closebell` as its users do, as a process of its own; or in this one, where that does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

PROGRAM = Path(sys.executable).with_name("closebell")


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Closebell:
    """The command line over one data folder."""

    data_dir: Path

    def __call__(self, *arguments: str, timeout: float = 240, **more: str) -> Outcome:
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def environment(self, **more: str) -> dict[str, str]:
        """This process's, in English, without settings of ours or Prefect's but the data folder."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CLOSEBELL_", "PREFECT_"))
        }
        return kept | {"CLOSEBELL_DATA_DIR": str(self.data_dir), "LC_ALL": "C.UTF-8"} | more


def in_this_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """The command line without a process of its own, in English."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["closebell", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, printed.out, printed.err)

    return run
