"""The session loop: how every slot's price, value and net buying go from session to session.

State is one number a slot. Innovations come in chapters of sessions, each drawn whole from a
seed of its own, so that a session is the same however far the market is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sources.sample import listing, ticks, timetable
from sources.sample.innovations import CHAPTER, Innovations
from sources.sample.listing import Bools, Floats, Ints
from sources.sample.timetable import BONUS, REVERSE, RIGHTS, SPLIT
from sources.sample.trading import Trading
from sources.sample.world import World


@dataclass(frozen=True)
class Chapter:
    """Consecutive sessions from ordinal `first` on; arrays are (sessions, slots)."""

    first: int
    listed: Bools
    halted: Bools
    fresh: Bools  # a tenant's first session
    tenant: Ints
    base: Ints
    close: Ints
    lowest: Ints
    highest: Ints
    shares: Ints
    value: Floats  # traded value meant, won
    foreign: Floats  # net buying as a fraction of value
    institution: Floats


class Walk:
    """The state of the market after the sessions walked so far."""

    def __init__(self, world: World) -> None:
        slots = world.slots
        self._world = world
        n = len(slots)
        self._tenant = np.zeros(n, dtype=np.int64)
        self._close = ticks.round_nearest(slots.price)
        self._shares = np.maximum((slots.cap / self._close).astype(np.int64), 1_000)
        self._home = slots.cap.copy()  # the market value a slot is drawn back to
        self._anchor = self._close.astype(np.float64)
        self._trend = np.zeros(n)
        self._trading = Trading(world)
        self._last_halt = timetable.before_delisting(slots, timetable.LAST_HALT)
        self._liquidation = timetable.before_delisting(slots, timetable.LIQUIDATION)
        self._at = np.arange(n)
        for group in world.scripts:
            row, running = group.position(0)
            level = group.level[running, row[running]]
            here = group.slots[running]
            self._anchor[here] = self._close[here] / np.exp(level)

    def chapters(self, last: int) -> Iterator[Chapter]:
        """Walk from ordinal 0 to `last`, a chapter at a time."""
        for first in range(0, last + 1, CHAPTER):
            yield self._chapter(first, min(CHAPTER, last + 1 - first))

    def _chapter(self, first: int, sessions: int) -> Chapter:
        n = len(self._at)
        shape = (sessions, n)
        out = Chapter(
            first=first,
            listed=np.empty(shape, dtype=np.bool_),
            halted=np.empty(shape, dtype=np.bool_),
            fresh=np.empty(shape, dtype=np.bool_),
            tenant=np.empty(shape, dtype=np.int64),
            base=np.empty(shape, dtype=np.int64),
            close=np.empty(shape, dtype=np.int64),
            lowest=np.empty(shape, dtype=np.int64),
            highest=np.empty(shape, dtype=np.int64),
            shares=np.empty(shape, dtype=np.int64),
            value=np.empty(shape),
            foreign=np.empty(shape),
            institution=np.empty(shape),
        )
        draws = Innovations(self._world, first)
        for step in range(sessions):
            self._session(first + step, step, draws, out)
        return out

    def _session(self, t: int, step: int, draws: Innovations, out: Chapter) -> None:
        slots, table = self._world.slots, self._world.table
        fresh = self._move_in(t)
        tenant, at = self._tenant, self._at
        listed = (slots.starts[tenant, at] <= t) & (t < slots.ends[tenant, at])
        liquidation = t >= self._liquidation[tenant, at]
        scripted, level = self._scripts(t)

        due = table.actions.due_in(t)
        troubled = table.long_halts.holds(t) | (t >= self._last_halt[tenant, at])
        halted = troubled | table.short_halts.holds(t) | ((due > 0) & (due <= table.action_halt))
        ordinary = listed & ~scripted & ~liquidation & ~fresh
        halted &= ordinary
        acting = (due == 0) & (table.actions.length > 0) & ordinary & ~halted
        base = self._ex_rights(t, acting)

        lowest, highest = ticks.limits(base)
        first_low, first_high = ticks.first_limits(base)
        lowest = np.where(liquidation, 1, np.where(fresh, first_low, lowest))
        highest = np.where(liquidation, base * 20, np.where(fresh, first_high, highest))
        own = draws.returns[step] + self._trend + self._pull(base)
        first_day = draws.first_day[step]
        drift = np.where(liquidation, own * 2.5 - 0.12, np.where(fresh, first_day, own))
        target = np.where(scripted, self._anchor * np.exp(level), base * np.exp(drift))
        close = np.clip(ticks.round_nearest(target), lowest, highest)
        close = self._limit_up(t, close, highest, level)
        close = np.where(halted | ~listed, base, close)

        self._close = close
        move = np.log(close / base) / slots.sigma
        self._trend = 0.97 * self._trend + 0.025 * slots.sigma * draws.trend[step]
        out.value[step] = self._trading.value(t, draws.mood[step], np.abs(move))
        out.foreign[step], out.institution[step] = self._trading.net_buying(
            t, draws.foreign[step], draws.institution[step], np.clip(move, -4, 4)
        )
        out.listed[step], out.halted[step], out.fresh[step] = listed, halted, fresh
        out.tenant[step], out.base[step], out.close[step] = tenant, base, close
        out.lowest[step], out.highest[step] = lowest, highest
        out.shares[step] = self._shares

    def _move_in(self, t: int) -> Bools:
        slots, at = self._world.slots, self._at
        following = np.minimum(self._tenant + 1, listing.TENANTS - 1)
        fresh = (slots.starts[following, at] == t) & (following > self._tenant)
        if fresh.any():
            self._tenant = np.where(fresh, following, self._tenant)
            offered = ticks.round_nearest(np.clip(slots.price, 2_000, 60_000))
            self._close = np.where(fresh, offered, self._close)
            shares = np.maximum((slots.cap / offered).astype(np.int64), 1_000)
            self._shares = np.where(fresh, shares, self._shares)
            self._trend = np.where(fresh, 0.0, self._trend)
            self._home = np.where(fresh, slots.cap, self._home)
        return np.asarray(fresh)

    def _scripts(self, t: int) -> tuple[Bools, Floats]:
        scripted = np.zeros(len(self._at), dtype=np.bool_)
        level = np.zeros(len(self._at))
        for group in self._world.scripts:
            row, running = group.position(t)
            here = group.slots[running]
            scripted[here] = True
            level[here] = group.level[running, row[running]]
            begun = group.slots[running & (row == 0)]
            self._anchor[begun] = self._close[begun]
        return scripted, level

    def _ex_rights(self, t: int, acting: Bools) -> Ints:
        """The base prices; on an ex-rights day shares and anchors change with them."""
        previous = self._close
        kind = self._world.table.action_kind
        factor = np.ones(len(previous))
        rights = acting & (kind == RIGHTS) & (previous >= 500) & (previous <= 800_000)
        factor[rights] = self._world.table.rights[rights]
        factor[acting & (kind == BONUS)] = 0.5
        factor[acting & (kind == SPLIT) & (previous > 20_000)] = 0.2
        factor[acting & (kind == REVERSE) & (previous < 3_000)] = 5.0
        factor[acting & (previous < 500)] = 10.0
        factor[acting & (previous > 800_000)] = 0.1
        for group in self._world.scripts:
            row, _ = group.position(t)
            here = group.slots[(row == group.split_at) & (group.split_at >= 0)]
            factor[here] = np.where(previous[here] > 6_000, 0.5, 2.0)
        changed = factor != 1
        if not changed.any():
            return previous
        base = np.where(changed, ticks.round_nearest(previous * factor), previous)
        exact = base / previous
        # A rights issue sells new shares below the price: more come than the base price shows.
        more = np.where(rights, 1.25, 1 / exact)
        self._shares = np.maximum((self._shares * more).astype(np.int64), 1_000)
        self._home = self._home * np.where(rights, exact * more, 1.0)
        self._anchor = self._anchor * exact
        return base

    def _limit_up(self, t: int, close: Ints, highest: Ints, level: Floats) -> Ints:
        for group in self._world.scripts:
            row, _ = group.position(t)
            here = group.slots[(row == group.limit_at) & (group.limit_at >= 0)]
            close[here] = highest[here]
            self._anchor[here] = highest[here] / np.exp(level[here])
        return close

    def _pull(self, base: Ints) -> Floats:
        away = np.log(self._home / (base.astype(np.float64) * self._shares))
        # Hardly anything trades for coins.
        cheap = np.maximum(np.log(400 / base), 0.0)
        return np.asarray(self._world.slots.pull * np.clip(away, -2.5, 2.5) + 0.005 * cheap)
