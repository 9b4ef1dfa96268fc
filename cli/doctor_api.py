"""What `closebell doctor` says of the API's database role and of the alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from db import Database
from db.engine import Pool
from db.listening import is_alone
from db.reading_role import open_for_reading
from errors import ClosebellError, SettingsError
from settings import Settings

if TYPE_CHECKING:
    from alerts.config import Alerts

Found: TypeAlias = tuple[str, bool, str, str | None]
"""Name, whether it is well, what was seen, what to do."""


def look_at_role(config: Settings) -> Found:
    """Whether the API's role is set, can be used, and may only read."""
    name = "api role"
    if config.database_url is None and config.api_database_url is None:
        return name, True, "made by closebell in the embedded database", None
    try:
        with open_for_reading(config, pool=Pool(size=1, overflow=0, wait=5, connect=5)) as reading:
            return name, True, f"{reading.shown_url}, may only read", None
    except SettingsError as error:  # not set: only `serve` needs it
        return name, config.api_database_url is None, error.detail, error.remedy
    except ClosebellError as error:
        return name, False, error.detail, error.remedy


def look_at_alerts(config: Settings, db: Database) -> Iterator[Found]:
    """Whether the alerts are rightly set, whether they are sent, and what failed."""
    from alerts.config import read_alerts
    from alerts.senders import make_senders
    from flows.alerts import ALONE
    from market.clock import SystemClock

    if not config.alerts.get_secret_value():
        return
    try:
        alerts = read_alerts(config)
        make_senders(alerts, SystemClock())
    except SettingsError as error:
        yield "alerts", False, error.detail, error.remedy
        return
    with db.reader() as tx:
        counts = tx.alerts.counts()
    running = is_alone(db, ALONE)
    failed = counts["failed"]
    detail = f"{_size(alerts)}; {'' if running else 'not '}running; {counts['waiting']} waiting"
    if failed:
        yield "alerts", False, f"{detail}, {failed} failed", "closebell alerts status"
    else:
        yield "alerts", True, detail, None if running else "to send them: closebell alerts run"


def _size(alerts: Alerts) -> str:
    return f"{len(alerts.rules)} rules, {len(alerts.recipients)} recipients"
