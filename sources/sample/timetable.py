"""When what happens to which slot: halts, corporate actions and designations, by ordinal.

Every happening comes round in its own period, so that the question "at session t?" needs no
history and any stretch of the market can be made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from market.schemas import FLAGS
from sources.sample.listing import NEVER, ORDINARY, Bools, Floats, Ints, Slots

# Corporate actions, as what becomes of the base price.
NONE, RIGHTS, BONUS, SPLIT, REVERSE = range(5)
_ACTION_SHARES: Final = (0.65, 0.1, 0.1, 0.15)

# How many sessions before it is gone a stock comes under review, halts, and is sold off.
REVIEW, LAST_HALT, LIQUIDATION = 90, 32, 7


@dataclass(frozen=True)
class Cycle:
    """At ordinal t a slot is `length` sessions long in it, each time (t + phase) % period is 0."""

    period: Ints
    phase: Ints
    length: Ints

    def position(self, t: int) -> Ints:
        """Sessions since the cycle last began."""
        return (t + self.phase) % self.period

    def holds(self, t: int) -> Bools:
        return np.asarray(self.position(t) < self.length)

    def due_in(self, t: int) -> Ints:
        """Sessions until the cycle next begins, 0 when it begins at t."""
        return -(t + self.phase) % self.period


@dataclass(frozen=True)
class Timetable:
    long_halts: Cycle
    short_halts: Cycle
    actions: Cycle
    action_kind: Ints
    rights: Floats  # base price after a rights issue, as a fraction
    action_halt: Ints  # sessions without trading before the new shares
    flags: tuple[tuple[str, Cycle], ...]


def draw(slots: Slots, seed: int) -> Timetable:
    """The timetable of this market's slots."""
    rng = np.random.default_rng([seed, 2])
    n = len(slots)
    common = slots.kind == "common"
    ordinary = common & (slots.role == ORDINARY)
    troubled = ordinary & (rng.random(n) < 0.055)

    def cycle(low: int, high: int, lengths: tuple[int, ...], where: Bools) -> Cycle:
        period = rng.integers(low, high, n)
        length = np.where(where, rng.choice(lengths, n), 0)
        return Cycle(period, rng.integers(0, 10**6, n) % period, length)

    kind = np.where(common, rng.choice([RIGHTS, BONUS, SPLIT, REVERSE], n, p=_ACTION_SHARES), NONE)
    trouble = cycle(550, 800, (300, 400, 500), troubled)
    # A stock in trouble is designated for as long as its halt, and a while before and after.
    administrative = Cycle(trouble.period, (trouble.phase + 20) % trouble.period,
                           np.where(troubled, trouble.length + 60, 0))  # fmt: skip
    actions = cycle(1_500, 4_000, (1,), common & ~troubled)
    stop = rng.integers(5, 18, n)
    return Timetable(
        long_halts=trouble,
        short_halts=cycle(700, 1_300, (1, 1, 2, 3, 8, 15, 22), ordinary & ~troubled),
        actions=actions,
        action_kind=kind,
        rights=rng.uniform(0.80, 0.98, n),
        action_halt=np.where(actions.length * np.isin(kind, [SPLIT, REVERSE]), stop, 0),
        flags=(
            ("administrative", administrative),
            ("administrative", cycle(900, 1_500, (250, 400), ordinary & (rng.random(n) < 0.06))),
            ("caution", cycle(700, 1_200, (150, 250, 400), ordinary & (rng.random(n) < 0.05))),
            ("single_price", cycle(500, 900, (3, 3, 10), ordinary)),
            ("warning", cycle(600, 1_200, (5, 10, 15), ordinary)),
            ("risk", cycle(2_000, 3_000, (3, 5), ordinary)),
        ),
    )


def before_delisting(slots: Slots, sessions: int) -> Ints:
    """Per tenant and slot the ordinal so many sessions before it is gone, or NEVER."""
    return np.where(slots.ends < NEVER, slots.ends - sessions, NEVER)


def flag_periods(
    table: Timetable, slots: Slots, extra: list[tuple[str, int, int, int]], last: int
) -> list[tuple[int, int, str, int, int]]:
    """(tenant, slot, flag, since, until) of every designation begun by `last`, in ordinals.

    `until` is past `last` where it hasn't ended yet. Overlapping ones are one.
    """
    found: dict[tuple[int, int, str], list[tuple[int, int]]] = {}

    def add(slot: int, flag: str, since: int, until: int) -> None:
        for tenant in np.flatnonzero(
            (slots.starts[:, slot] < until) & (slots.ends[:, slot] > since)
        ):
            start = max(since, int(slots.starts[tenant, slot]))
            if start <= last:
                stop = min(until, int(slots.ends[tenant, slot]))
                found.setdefault((int(tenant), slot, flag), []).append((start, stop))

    for flag, cycle in table.flags:
        for slot in np.flatnonzero(cycle.length):
            period, length = int(cycle.period[slot]), int(cycle.length[slot])
            for since in range(-int(cycle.phase[slot]), last + 1, period):
                if since + length > 0:
                    add(int(slot), flag, max(since, 0), since + length)
    for tenant, leaving in zip(*np.nonzero(slots.ends < NEVER), strict=True):
        gone = int(slots.ends[tenant, leaving])
        add(int(leaving), "administrative", gone - REVIEW, gone)
        add(int(leaving), "liquidation", gone - LIQUIDATION, gone)
    for flag, own, since, until in extra:
        add(own, flag, since, until)
    assert all(flag in FLAGS for _, _, flag in found)
    return [
        (tenant, slot, flag, since, until)
        for (tenant, slot, flag), spans in found.items()
        for since, until in _merged(spans)
    ]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for since, until in sorted(spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged
