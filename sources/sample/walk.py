"""The session loop: how every slot's price, value and net buying go from session to session.

State is one number a slot. Innovations come in chapters of sessions, each drawn from a seed of
its own, so that a session is the same however far the market is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sources.sample import listing, names, patterns, ticks, timetable
from sources.sample.listing import Bools, Floats, Ints, Slots
from sources.sample.patterns import Scripts
from sources.sample.timetable import BONUS, REVERSE, RIGHTS, SPLIT, Timetable

CHAPTER: Final = 64

_STREAM: Final = 11


@dataclass(frozen=True)
class World:
    """All that is fixed about one sample market."""

    seed: int
    slots: Slots
    table: Timetable
    scripts: tuple[Scripts, ...]
    turnover: Floats  # won a session
    sectors: tuple[str, ...]
    institutional: Floats  # how large institutions' net buying is against value


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
    row: Ints  # script row, -1 where none runs


def create(stocks: int, seed: int) -> World:
    """The market of this seed and number of stocks."""
    slots = listing.draw(stocks, seed)
    scripts = patterns.plant(slots, seed)
    turnover = slots.turnover.copy()
    for group in scripts:
        for slot, script in zip(group.slots, group.scripts, strict=True):
            if script.turnover is not None:
                turnover[slot] = script.turnover
    sectors = tuple(name for name, _ in names.SECTORS)
    size = np.log(slots.cap / 1e11)
    institutional = np.clip(0.02 + 0.028 * size, 0.004, 0.12)
    return World(
        seed, slots, timetable.draw(slots, seed), scripts, turnover, sectors, institutional
    )


class Walk:
    """The state of the market after the sessions walked so far."""

    def __init__(self, world: World) -> None:
        slots = world.slots
        self._world = world
        n = len(slots)
        self._tenant = np.zeros(n, dtype=np.int64)
        self._close = ticks.round_nearest(slots.price)
        self._shares = np.maximum((slots.cap / self._close).astype(np.int64), 1_000)
        self._anchor = self._close.astype(np.float64)
        self._mood = np.zeros(n)
        self._trend = np.zeros(n)
        self._foreign = np.zeros(n)
        self._institution = np.zeros(n)
        self._review, self._halt, self._liquidation = timetable.delisting(slots)
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
            row=np.full(shape, -1),
        )
        draws = _Innovations(self._world, first)
        for step in range(sessions):
            self._session(first + step, step, draws, out)
        return out

    def _session(self, t: int, step: int, draws: _Innovations, out: Chapter) -> None:
        slots, table = self._world.slots, self._world.table
        fresh = self._move_in(t)
        tenant, at = self._tenant, self._at
        listed = (slots.starts[tenant, at] <= t) & (t < slots.ends[tenant, at])
        liquidation = t >= self._liquidation[tenant, at]
        rows, level = self._script_rows(t)
        scripted = rows >= 0

        due = table.actions.due_in(t)
        troubled = table.long_halts.holds(t) | (t >= self._halt[tenant, at])
        halted = troubled | table.short_halts.holds(t) | ((due > 0) & (due <= table.action_halt))
        halted &= ~scripted & ~liquidation & ~fresh
        acting = (
            (due == 0) & (table.actions.length > 0) & ~halted & ~scripted & ~liquidation & ~fresh
        )
        base = self._ex_rights(t, acting & listed)

        lowest, highest = ticks.limits(base)
        lowest = np.where(liquidation, 1, np.where(fresh, base * 6 // 10, lowest))
        highest = np.where(liquidation, base * 20, np.where(fresh, base * 4, highest))
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
        flows = self._flows(t, step, draws, np.clip(move, -4, 4))
        out.foreign[step], out.institution[step] = flows
        out.value[step] = self._value(t, step, draws, np.abs(move))
        out.listed[step], out.halted[step], out.fresh[step] = listed, halted, fresh
        out.tenant[step], out.base[step], out.close[step] = tenant, base, close
        out.lowest[step], out.highest[step] = lowest, highest
        out.shares[step], out.row[step] = self._shares, rows

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
        return np.asarray(fresh)

    def _script_rows(self, t: int) -> tuple[Ints, Floats]:
        rows = np.full(len(self._at), -1)
        level = np.zeros(len(self._at))
        for group in self._world.scripts:
            row, running = group.position(t)
            here = group.slots[running]
            rows[here] = row[running]
            level[here] = group.level[running, row[running]]
            begun = group.slots[running & (row == 0)]
            self._anchor[begun] = self._close[begun]
        return rows, level

    def _ex_rights(self, t: int, acting: Bools) -> Ints:
        """The base prices; on an ex-rights day shares and anchors change with them."""
        previous = self._close
        kind = self._world.table.action_kind
        factor = np.ones(len(previous))
        rights = acting & (kind == RIGHTS)
        factor[rights] = self._world.table.rights[rights]
        factor[acting & (kind == BONUS)] = 0.5
        factor[acting & (kind == SPLIT) & (previous > 20_000)] = 0.2
        factor[acting & (kind == REVERSE) & (previous < 3_000)] = 5.0
        factor[acting & (previous < 500)] = 10.0
        factor[acting & (previous > 800_000)] = 0.1
        for group in self._world.scripts:
            row, _ = group.position(t)
            factor[group.slots[(row == group.split_at) & (group.split_at >= 0)]] = 0.5
        changed = factor != 1
        if not changed.any():
            return previous
        base = np.where(changed, ticks.round_nearest(previous * factor), previous)
        exact = base / previous
        # A rights issue sells new shares below the price: more come than the base price shows.
        more = np.where(rights, 1.25, 1 / exact)
        self._shares = np.maximum((self._shares * more).astype(np.int64), 1_000)
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
        slots = self._world.slots
        away = np.log(slots.cap / (base.astype(np.float64) * self._shares))
        return np.asarray(slots.pull * np.clip(away, -2.5, 2.5))

    def _value(self, t: int, step: int, draws: _Innovations, move: Floats) -> Floats:
        surprise = 0.72 * np.minimum(move, 3.0) + 0.35 * np.clip(move - 3.0, 0.0, 4.0) - 0.45
        level = self._mood + 0.75 * surprise
        self._mood = np.clip(
            0.72 * self._mood + 0.22 * surprise + 0.62 * draws.mood[step], -3.0, 3.0
        )
        for group in self._world.scripts:
            row, running = group.position(t)
            here = group.slots[running]
            level[here] = group.value[running, row[running]]
        return np.asarray(self._world.turnover * np.exp(level))

    def _flows(self, t: int, step: int, draws: _Innovations, move: Floats) -> tuple[Floats, Floats]:
        self._foreign = 0.18 * self._foreign + 0.98 * draws.foreign[step]
        self._institution = 0.60 * self._institution + 0.80 * draws.institution[step]
        foreign = 0.15 * self._foreign + 0.035 * move
        strength = self._institution + 0.25 * move
        institution = self._world.institutional * strength * np.abs(strength)
        for group in self._world.scripts:
            row, running = group.position(t)
            here, at = group.slots[running], row[running]
            for free, written in (
                (foreign, group.foreign[running, at]),
                (institution, group.institution[running, at]),
            ):
                set_ = ~np.isnan(written)
                free[here[set_]] = written[set_] * (1 + 0.1 * draws.foreign[step][here[set_]])
        return np.clip(foreign, -0.85, 0.85), np.clip(institution, -0.85, 0.85)


class _Innovations:
    """Everything random that the sessions of one chapter hand on, as (sessions, slots)."""

    def __init__(self, world: World, first: int) -> None:
        slots = world.slots
        rng = np.random.default_rng([world.seed, _STREAM, first])
        shape = (CHAPTER, len(slots))
        market = np.clip(0.0075 * rng.standard_t(4, CHAPTER), -0.06, 0.06)
        sectors = 0.007 * rng.standard_normal((CHAPTER, len(names.SECTORS) + 1))
        own = rng.standard_t(3.2, shape) / np.sqrt(3.2 / 1.2)
        jump = np.where(rng.random(shape) < 0.010, rng.exponential(4.2, shape), 0.0) - 0.042
        rate = slots.beta * market[:, None] + slots.sigma * (own + jump)
        rate += sectors[:, slots.sector] * np.where(slots.sector >= 0, 1.0, 0.0)
        self.returns = np.clip(rate - 0.5 * slots.sigma**2, -0.45, 0.45)
        self.first_day = np.log(np.clip(rng.lognormal(0.25, 0.45, shape), 0.6, 4.0))
        self.trend = rng.standard_normal(shape)
        self.mood = rng.standard_normal(shape)
        self.foreign = rng.standard_normal(shape)
        self.institution = rng.standard_normal(shape)
