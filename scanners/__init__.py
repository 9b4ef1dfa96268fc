"""The four scanners: pure functions from the market's data to scored stocks and signals."""

from scanners.panel import LOOKBACK
from scanners.results import MarketScan, ScanResult
from scanners.rules import Rules
from scanners.scanning import ALL, scan

__all__ = ["ALL", "LOOKBACK", "MarketScan", "Rules", "ScanResult", "scan"]
