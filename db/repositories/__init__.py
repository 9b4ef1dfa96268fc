"""What can be read and written, one file a noun, all in the transaction they are given."""

from __future__ import annotations

from sqlalchemy import Connection

from db.repositories.bars import Bars
from db.repositories.events import Events
from db.repositories.gates import Gates
from db.repositories.imports import Imports
from db.repositories.index_bars import IndexBarsRepository
from db.repositories.instruments import InstrumentsRepository
from db.repositories.net_buying import NetBuyingRepository
from db.repositories.news import NewsRepository
from db.repositories.runs import Runs
from db.repositories.signals import Signals


class Repositories:
    """All of them over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.instruments = InstrumentsRepository(connection)
        self.bars = Bars(connection)
        self.net_buying = NetBuyingRepository(connection)
        self.index_bars = IndexBarsRepository(connection)
        self.news = NewsRepository(connection)
        self.imports = Imports(connection)
        self.runs = Runs(connection)
        self.signals = Signals(connection)
        self.gates = Gates(connection)
        self.events = Events(connection)
