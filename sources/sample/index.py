"""The index bars: each session's change in the market value of the index's members."""

from __future__ import annotations

from typing import Final

import numpy as np

from sources.sample.intraday import Intraday
from sources.sample.listing import Bools, Ints, Slots
from sources.sample.walk import Chapter

_START: Final = {"KOSPI": 2_600.0, "KOSDAQ": 850.0, "KOSPI200": 345.0}
_MEMBERS_200: Final = 200
# Stocks don't reach their highs together: the part of their range that the index shows.
_TOGETHER: Final = 0.3

Row = tuple[int, str, float, float, float, float, int, int]


class Indices:
    """The levels after the chapters seen so far; feed it every chapter, in order."""

    def __init__(self, slots: Slots) -> None:
        shares = np.isin(slots.kind, ["common", "preferred"])
        self._markets = {name: shares & (slots.market == name) for name in ("KOSPI", "KOSDAQ")}
        self._largest = self._markets["KOSPI"] & (slots.kind == "common")
        self._level = dict(_START)

    def advance(self, chapter: Chapter, day: Intraday | None) -> list[Row]:
        """(ordinal, index, open, high, low, close, volume, value) rows; none without `day`."""
        rows: list[Row] = []
        for step, shares in enumerate(chapter.shares):
            counted = chapter.listed[step] & ~chapter.fresh[step]
            before = chapter.base[step] * shares
            after = chapter.close[step] * shares
            for name in _START:
                members = self._members(name, counted, before)
                total = int(before[members].sum())
                if total == 0:
                    continue
                base = self._level[name]
                close = round(base * (int(after[members].sum()) / total), 2)
                self._level[name] = close
                if day is not None:
                    opened, high, low = (
                        round(base * (int((prices * shares)[members].sum()) / total), 2)
                        for prices in _day_prices(chapter, day, step)
                    )
                    top, bottom = max(opened, close), min(opened, close)
                    rows.append((
                        chapter.first + step, name, opened,
                        round(top + _TOGETHER * (high - top), 2),
                        round(bottom - _TOGETHER * (bottom - low), 2), close,
                        int(day.volume[step][members].sum()), int(day.value[step][members].sum()),
                    ))  # fmt: skip
        return rows

    def _members(self, name: str, counted: Bools, value: Ints) -> Bools:
        if name in self._markets:
            return np.asarray(self._markets[name] & counted)
        eligible = np.flatnonzero(self._largest & counted)
        largest = eligible[np.argsort(-value[eligible], kind="stable")[:_MEMBERS_200]]
        members = np.zeros(len(counted), dtype=np.bool_)
        members[largest] = True
        return members


def _day_prices(chapter: Chapter, day: Intraday, step: int) -> tuple[Ints, Ints, Ints]:
    """Open, high and low; a halted stock counts with its close."""
    close, halted = chapter.close[step], day.volume[step] == 0
    return (
        np.where(halted, close, day.open[step]),
        np.where(halted, close, day.high[step]),
        np.where(halted, close, day.low[step]),
    )
