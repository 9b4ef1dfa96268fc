"""A grid of rule values, and the windows it is judged in: chosen on the one, tried on the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from backtest.names import parse_many
from errors import SettingsError

MOST_POINTS = 10_000


@dataclass(frozen=True)
class Window:
    """The sessions a set of rules is chosen on, and those right after that it is tried on."""

    train_first: date
    train_last: date
    test_first: date
    test_last: date


def points(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Every combination of `name=value,value` texts, the last name changing fastest.

    Raises:
        SettingsError: a text can't be read, a name comes twice, or there are too many.
    """
    axes: dict[str, list[Any]] = {}
    for text in texts:
        name, values = parse_many(text)
        if name in axes:
            raise SettingsError(f"{name} is in the grid twice", remedy="give all values at once")
        axes[name] = values
    found = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    if len(found) > MOST_POINTS:
        raise SettingsError(
            f"{len(found):,} points are too many", remedy=f"at most {MOST_POINTS:,}"
        )
    return found


def windows(spec: str | None, sessions: Sequence[date]) -> list[Window]:
    """Walk-forward windows of `TRAIN/TEST` (`24m/6m`, `3y/1y`) over the sessions, none without.

    The first window trains on the first TRAIN, each is moved on by TEST; the last test may be
    shorter.

    Raises:
        SettingsError: the text can't be read, or the sessions hold not even one window.
    """
    if spec is None:
        return []
    match = re.fullmatch(r"(\d+)([my])/(\d+)([my])", spec.strip())
    if match is None or not int(match[1]) or not int(match[3]):
        raise SettingsError(f"{spec!r} says no windows", remedy="write it as 24m/6m or 3y/1y")
    train, test = (
        int(n) * (12 if u == "y" else 1) for n, u in (match.group(1, 2), match.group(3, 4))
    )
    found = list(_walk(train, test, sessions))
    if not found:
        raise SettingsError(
            f"{sessions[0]} to {sessions[-1]} is too short for windows of {spec}",
            remedy="choose shorter ones, or a longer range",
        )
    return found


def _walk(train: int, test: int, sessions: Sequence[date]) -> Iterator[Window]:
    begin = sessions[0]
    while True:
        middle, end = _later(begin, train), _later(begin, train + test)
        trained = [s for s in sessions if begin <= s < middle]
        tried = [s for s in sessions if middle <= s < end]
        if not trained or not tried:
            return
        yield Window(trained[0], trained[-1], tried[0], tried[-1])
        begin = _later(begin, test)


def _later(day: date, months: int) -> date:
    """So many months later, on the month's last day at the latest."""
    at = day.year * 12 + day.month - 1 + months
    year, month = divmod(at, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def shown(changes: Mapping[str, Any]) -> str:
    """The values of a point as `name=value`."""
    return ", ".join(f"{name}={value}" for name, value in changes.items()) or "as they are"
