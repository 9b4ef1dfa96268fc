"""A process that sweeps the small sample market on a Dask cluster of two workers, and ends."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from stored_sample import swept

from db import Database
from flows.home import prepare


def main(url: str, folder: Path) -> None:
    """Prints the sweep's id and how many workers there were, as JSON."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    prepare(folder)
    from distributed import LocalCluster

    from flows.sweep import Cluster

    opened = Database(url)
    try:
        with LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            done = swept(opened, Cluster(cluster.scheduler_address))
            told = {"sweep": done.id, "workers": len(cluster.workers)}
    finally:
        opened.close()
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
