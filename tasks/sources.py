"""Which source a run collects from, and which ones of news stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from db import Database
from db.guards import StoredGuards
from db.parts import StoredParts
from errors import ClosebellError, SourceNotConfigured, outward
from market.calendar import TradingCalendar
from market.clock import Clock
from market.data import MarketData, nothing
from settings import Settings
from sources.dart.source import open_dart
from sources.http.guards import Guards
from sources.kiwoom.client import KiwoomClient
from sources.kiwoom.source import KiwoomSource, open_kiwoom
from sources.krx.client import open_krx
from sources.krx.source import KrxSource
from sources.marcap import open_marcap
from sources.naver.source import NaverSource, open_naver
from sources.parts import Tell, tell_log
from sources.protocol import History, LiveSource, NewsSource
from sources.sample import SampleSource
from tasks.importing import import_files
from tasks.replay import open_replay

INVENTED = ("sample", "replay")
"""What makes its own market, beside which no provider is asked."""

LIVE = ("kiwoom", "replay")
"""What tells of a session that is on."""

NEWS = ("dart",)
"""The sources that tell the whole market's news."""


@contextmanager
def open_source(
    name: str, settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[History | None]:
    """The source of that name, closed at the end; None for `stored`: what is in the database.

    Raises:
        SourceNotConfigured: a key is missing, or it can't be collected from.
    """
    if name not in INVENTED:
        note_configured(db, settings)
    with ExitStack() as stack:
        match name:
            case "stored":
                yield None
            case "sample":
                yield SampleSource(calendar)
            case "kiwoom":
                yield stack.enter_context(_kiwoom(settings, calendar, db, clock))
            case "replay":
                yield open_replay(settings, calendar, db, clock)
            case "krx":
                yield stack.enter_context(_krx(settings, calendar, db, clock))
            case "marcap":
                yield MarcapYears(settings, calendar, db, clock)
            case _:
                raise SourceNotConfigured(
                    f"no session is collected from {name} at its close",
                    remedy="choose kiwoom, krx, marcap, replay, stored or sample",
                )


@contextmanager
def open_live(
    name: str, settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[LiveSource]:
    """The source of that name while a session is on, closed at the end.

    Raises:
        SourceNotConfigured: a key is missing, or it doesn't tell of a session that is on.
    """
    with open_source(name, settings, calendar, db, clock) as source:
        if not isinstance(source, LiveSource):
            raise SourceNotConfigured(
                f"{name} doesn't tell of a session that is on", remedy="choose kiwoom or replay"
            )
        yield source


@contextmanager
def open_news(settings: Settings, db: Database, clock: Clock) -> Iterator[list[NewsSource]]:
    """The sources of news that are configured, closed at the end; empty when none is."""
    with ExitStack() as stack:
        found: list[NewsSource] = []
        if settings.dart_key is not None:
            found.append(stack.enter_context(open_dart(settings, guards_of(db), clock)))
        yield found


@contextmanager
def open_articles(settings: Settings, db: Database, clock: Clock) -> Iterator[NaverSource | None]:
    """The source of news of chosen stocks, closed at the end; None: it isn't configured."""
    if missing_of(settings)["naver"]:
        yield None
        return
    with open_naver(settings, guards_of(db), clock) as source:
        yield source


def guards_of(db: Database) -> Guards:
    """Call rates, breakers and tokens as rows of the database."""
    stored = StoredGuards(db)
    return Guards(stored, stored, stored)


WITHOUT: Final[Mapping[str, str]] = {
    "kiwoom": "no live market; imported files, KRX and the sample market work",
    "krx": "no official bars on the next morning; the others work",
    "dart": "the news part is missing; the others work",
    "naver": "no articles; DART's disclosures count without them",
}
"""What isn't there, and what still works, without a provider."""


def missing_of(settings: Settings) -> Mapping[str, str | None]:
    """What each provider still needs to be configured; None: nothing."""
    needs = {
        "kiwoom": ("kiwoom_app_key", "kiwoom_secret_key"),
        "krx": ("krx_auth_key",),
        "dart": ("dart_key",),
        "naver": ("naver_key_id", "naver_key"),
    }
    lacks = {
        name: [f"CLOSEBELL_{key.upper()}" for key in keys if getattr(settings, key) is None]
        for name, keys in needs.items()
    }
    return {name: " and ".join(keys) or None for name, keys in lacks.items()}


def note_configured(db: Database, settings: Settings) -> None:
    """Let the database know, for those who read only it, which sources could be asked."""
    with db.transaction() as tx:
        for name, missing in missing_of(settings).items():
            tx.sources.configured(name, missing)


def fetch_marcap(
    years: Iterable[int],
    settings: Settings,
    db: Database,
    progress: Callable[[int, int, int | None], None] | None = None,
) -> Sequence[Path]:
    """Download years of the marcap dataset and note how that went; their paths in order.

    Raises:
        ClosebellError: see Marcap.download.
    """
    try:
        with open_marcap(settings, guards_of(db)) as marcap:
            paths = marcap.download(years, settings.data_dir / "downloads", progress=progress)
    except ClosebellError as error:
        with db.transaction() as tx:
            tx.sources.failed("marcap", outward(error), needed=False)
        raise
    with db.transaction() as tx:
        tx.sources.succeeded("marcap")
    return paths


@dataclass(frozen=True)
class MarcapYears:
    """The marcap dataset, published in files of a year: those asked for are imported whole."""

    settings: Settings
    calendar: TradingCalendar
    db: Database
    clock: Clock

    name: ClassVar[str] = "marcap"

    def history(self, first: date, last: date) -> MarketData:
        """Nothing but what is stored by then.

        Raises:
            ClosebellError: see fetch_marcap and import_files; files before the bad one are stored.
        """
        paths = fetch_marcap(range(first.year, last.year + 1), self.settings, self.db)
        import_files(
            self.db, paths, calendar=self.calendar, clock=self.clock, settings=self.settings
        )
        return nothing()


@contextmanager
def open_kiwoom_alone(
    settings: Settings,
    calendar: TradingCalendar,
    db: Database,
    clock: Clock,
    tell: Tell = tell_log,
) -> Iterator[KiwoomSource]:
    """Kiwoom for what only it tells, past sessions stock by stock, whatever KRX has.

    Raises:
        SourceNotConfigured: a key is missing.
    """
    with open_kiwoom(settings, guards_of(db)) as client:
        yield _source_over(client, settings, calendar, db, clock, tell=tell)


@contextmanager
def _kiwoom(
    settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[KiwoomSource]:
    with ExitStack() as stack:
        client = stack.enter_context(open_kiwoom(settings, guards_of(db)))
        official = (
            stack.enter_context(_krx(settings, calendar, db, clock))
            if settings.krx_auth_key is not None
            else None
        )
        yield _source_over(client, settings, calendar, db, clock, official=official)


def _source_over(
    client: KiwoomClient,
    settings: Settings,
    calendar: TradingCalendar,
    db: Database,
    clock: Clock,
    *,
    official: KrxSource | None = None,
    tell: Tell = tell_log,
) -> KiwoomSource:
    return KiwoomSource(
        client,
        calendar,
        clock,
        StoredParts(db),
        max_missing=settings.kiwoom_max_missing,
        official=official,
        tell=tell,
    )


@contextmanager
def _krx(
    settings: Settings, calendar: TradingCalendar, db: Database, clock: Clock
) -> Iterator[KrxSource]:
    with open_krx(settings, guards_of(db)) as client:
        yield KrxSource(client, calendar, clock, max_missing=settings.kiwoom_max_missing)
