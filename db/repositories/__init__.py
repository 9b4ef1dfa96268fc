"""What can be read and written, one file a noun, all in the transaction they are given."""

from __future__ import annotations

from sqlalchemy import Connection

from db.repositories.alerts import AlertsRepository
from db.repositories.backtests import Backtests
from db.repositories.bars import Bars
from db.repositories.corrections import Corrections
from db.repositories.events import Events
from db.repositories.gates import Gates
from db.repositories.imports import Imports
from db.repositories.index_bars import IndexBarsRepository
from db.repositories.instruments import InstrumentsRepository
from db.repositories.keys import Keys
from db.repositories.net_buying import NetBuyingRepository
from db.repositories.news import NewsRepository
from db.repositories.outcomes import Outcomes
from db.repositories.prices import Prices
from db.repositories.runs import Runs
from db.repositories.signal_marks import SignalMarks
from db.repositories.signal_pages import SignalPages
from db.repositories.signals import Signals
from db.repositories.snapshots import Snapshots
from db.repositories.sources import Sources
from db.repositories.stocks import Stocks
from db.repositories.sweeps import Sweeps


class Repositories:
    """All of them over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.events = Events(connection)
        self.instruments = InstrumentsRepository(connection, self.events)
        self.bars = Bars(connection, self.events)
        self.net_buying = NetBuyingRepository(connection, self.events)
        self.index_bars = IndexBarsRepository(connection, self.events)
        self.news = NewsRepository(connection)
        self.imports = Imports(connection)
        self.prices = Prices(connection, self.events)
        self.snapshots = Snapshots(connection)
        self.runs = Runs(connection, self.events)
        self.signals = Signals(connection, self.events)
        self.gates = Gates(connection, self.events)
        self.keys = Keys(connection, self.events)
        self.signal_marks = SignalMarks(connection, self.events)
        self.outcomes = Outcomes(connection, self.events)
        self.signal_pages = SignalPages(connection)
        self.stocks = Stocks(connection)
        self.alerts = AlertsRepository(connection)
        self.sources = Sources(connection)
        self.corrections = Corrections(connection)
        self.backtests = Backtests(connection, self.events)
        self.sweeps = Sweeps(connection)
