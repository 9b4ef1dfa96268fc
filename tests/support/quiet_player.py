"""A process that runs the flows it is told on standard input, and says how each one ended."""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """A line in, the name of a flow; a line out, the name of its state."""
    told, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        module = line.strip().replace("-", "_")
        state = getattr(import_module(f"flows.{module}"), module)(return_state=True)
        told.write(f"{state.name}\n")
        told.flush()


if __name__ == "__main__":
    main()
