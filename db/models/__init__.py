"""The tables. One row means what the class's docstring says."""

from db.models.access import ApiKey
from db.models.alerts import AlertMessage, AlertProgress, AlertState
from db.models.backtests import Backtest, BacktestEquity, BacktestTrade, Sweep, SweepTrial
from db.models.base import Base
from db.models.guards import AccessToken, Breaker, CallRate
from db.models.live import IndexPrice, LastPrice, MarketSnapshot, VolumeShare
from db.models.market import (
    Collection,
    DailyBar,
    IndexBar,
    InstrumentFlagSet,
    InstrumentVersion,
    Listing,
    NetBuyingRow,
    NewsItem,
    PackedBars,
)
from db.models.outcomes import Outcome, Performance, SignalTransition
from db.models.records import Event, Import, RejectedRow
from db.models.results import MarketGate, ScanRun, Signal
from db.models.sources import BarCorrection, FetchedPart, SourceState

__all__ = [
    "AccessToken",
    "AlertMessage",
    "AlertProgress",
    "AlertState",
    "ApiKey",
    "Backtest",
    "BacktestEquity",
    "BacktestTrade",
    "BarCorrection",
    "Base",
    "Breaker",
    "CallRate",
    "Collection",
    "DailyBar",
    "Event",
    "FetchedPart",
    "Import",
    "IndexBar",
    "IndexPrice",
    "InstrumentFlagSet",
    "InstrumentVersion",
    "LastPrice",
    "Listing",
    "MarketGate",
    "MarketSnapshot",
    "NetBuyingRow",
    "NewsItem",
    "Outcome",
    "PackedBars",
    "Performance",
    "RejectedRow",
    "ScanRun",
    "Signal",
    "SignalTransition",
    "SourceState",
    "Sweep",
    "SweepTrial",
    "VolumeShare",
]
