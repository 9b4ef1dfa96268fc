"""Fail when a room is covered less than CONTRIBUTING promises. Run after pytest --cov."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FLOORS = {"scanners": 90.0, "market": 90.0, "db": 90.0, "": 80.0}  # percent; "" is everything


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        subprocess.run(
            [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)], check=True
        )
        files = json.loads(report.read_text())["files"]
    failed = False
    for room, floor in FLOORS.items():
        totals = [
            f["summary"] for name, f in files.items() if not room or name.startswith(f"{room}/")
        ]
        covered = sum(t["covered_lines"] + t["covered_branches"] for t in totals)
        lines = sum(t["num_statements"] + t["num_branches"] for t in totals)
        percent = 100 * covered / lines
        failed |= percent < floor
        print(f"coverage {room or 'overall'}: {percent:.1f} % (at least {floor:.0f} %)")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
