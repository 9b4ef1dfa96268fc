"""Days that are over (recorded, or of the sample market), played as if they were on."""

from __future__ import annotations

from sources.replay.clock import ReplayClock
from sources.replay.recorded import RecordedMarket
from sources.replay.simulated import SimulatedMarket
from sources.replay.source import ReplaySource

__all__ = ["RecordedMarket", "ReplayClock", "ReplaySource", "SimulatedMarket"]
