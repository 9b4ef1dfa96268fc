"""The built-in sample market: one fixed, invented history of a whole exchange."""

from __future__ import annotations

from sources.sample.market import ORIGIN, SEED, STOCKS, Block, SampleMarket, blocks, generate
from sources.sample.source import SampleSource

__all__ = [
    "ORIGIN",
    "SEED",
    "STOCKS",
    "Block",
    "SampleMarket",
    "SampleSource",
    "blocks",
    "generate",
]
