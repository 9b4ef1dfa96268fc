"""A process that asks Kiwoom `calls` times, guarded by the database.

Arguments: database URL, server URL, calls a second, calls.
"""

from __future__ import annotations

import sys

from fake_kiwoom import APP_KEY, SECRET_KEY

import logs
from db.database import Database
from db.guards import StoredGuards
from sources.http.call import Limits
from sources.http.client import Client
from sources.http.guards import Guards
from sources.kiwoom.client import Access, KiwoomClient
from sources.kiwoom.quotes import chosen


def main(database_url: str, server_url: str, per_second: float, calls: int) -> None:
    logs.configure("error")
    database = Database(database_url)
    stored = StoredGuards(database)
    access = Access(server_url, APP_KEY, SECRET_KEY, per_second, 1, 5 * per_second)
    with Client("kiwoom", Guards(stored, stored, stored), Limits()) as http:
        client = KiwoomClient(http, access)
        for _ in range(calls):
            chosen(client, ["000010"])
            print("asked", flush=True)  # noqa: T201
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
