"""Runs in vectorbt's own environment: orders from a folder into a portfolio, timed."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import vectorbt as vbt


def main(folder: Path) -> None:
    close, size, price, fees = (
        np.load(folder / f"{name}.npy") for name in ("close", "size", "price", "fees")
    )
    capital = json.loads((folder / "capital.json").read_text())
    seconds, value = [], 0.0
    for _ in range(4):
        start = time.perf_counter()
        portfolio = vbt.Portfolio.from_orders(
            close,
            size=size,
            price=price,
            fees=fees,
            init_cash=capital,
            cash_sharing=True,
            group_by=True,
            freq="12h",
        )
        value = float(portfolio.value().iloc[-1])
        seconds.append(time.perf_counter() - start)
    told = {
        "version": vbt.__version__,
        "first": seconds[0],
        "best": min(seconds[1:]),
        "equity": value,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
