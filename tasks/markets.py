"""Which market a command works with: the built-in sample or the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from db import Database, open_database
from db.schema import Market
from settings import Settings

SAMPLE = "sample"
REPLAY = "replay"


def invented(source: str | None, settings: Settings) -> bool:
    """Whether a source tells of the built-in market: the sample itself, or a replay of it."""
    return source == SAMPLE or (source == "replay" and settings.replay_file is None)


@contextmanager
def open_market(
    settings: Settings,
    source: str | None = None,
    on_message: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Database, str]]:
    """The database of the market that `source` belongs to, and the name of the source.

    The sample market and the real one are stored apart; a replay of the sample belongs to it.
    Without `source` and CLOSEBELL_SOURCE it is the real market as stored, once it has any bars,
    else the sample.

    Raises:
        SettingsError, DatabaseUnavailable, SchemaOutdated: see db.open_database.
    """
    source = source or settings.source
    market: Market = "sample" if invented(source, settings) else "real"
    with open_database(settings, on_message, market=market) as db:
        if source or db.freshness().bars:
            yield db, source or "stored"
            return
    with open_database(settings, on_message, market="sample") as db:
        yield db, SAMPLE
