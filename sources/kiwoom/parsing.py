"""Many rows at once: the good ones typed, the bad ones counted, and too many of them refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import dataframely as dy
import polars as pl

import logs
from errors import BadMarketData
from sources.http.call import Call
from sources.kiwoom.client import WireRow
from sources.kiwoom.rows import Row, RowError

R = TypeVar("R", bound=Row)
S = TypeVar("S", bound=dy.Schema)


@dataclass(frozen=True)
class Rejected:
    """A row left out, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name or 'a row without a name'}: {self.reason}"


@dataclass(frozen=True)
class Parsed(Generic[R]):
    """Rows in the order they came."""

    rows: Sequence[R]
    rejected: Sequence[Rejected]


def parse_rows(
    wires: Iterable[WireRow], parse: Callable[[WireRow], R], name: Callable[[WireRow], str]
) -> Parsed[R]:
    """Each row by `parse`; one that raises RowError is rejected under its `name`."""
    rows: list[R] = []
    rejected: list[Rejected] = []
    for wire in wires:
        try:
            rows.append(parse(wire))
        except RowError as error:
            rejected.append(Rejected(name(wire), str(error)))
    return Parsed(rows, rejected)


def text(field: str) -> Callable[[WireRow], str]:
    """A field's text, blank where it is missing."""
    return lambda wire: str(wire.get(field) or "").strip()


def tolerate(call: Call, what: str, found: Sequence[object], of: int, share: float) -> None:
    """Log what is left out of `of` rows, or refuse them all when it is more than `share`.

    Raises:
        BadMarketData: with figures and the first few.
    """
    if not found:
        return
    few = "; ".join(map(str, found[:5])) + ("; …" if len(found) > 5 else "")
    if len(found) > share * of:
        raise BadMarketData(
            f"{call}: {len(found)} of {of} {what}, at most {share:.1%} tolerated ({few})"
        )
    logs.get().warning("left out", provider=call.provider, call=call.name, what=what, rows=few)


def only(call: Call, parsed: Parsed[R]) -> Sequence[R]:
    """The rows, if none was rejected.

    Raises:
        BadMarketData: naming the row, field and value.
    """
    if parsed.rejected:
        raise BadMarketData(f"{call}: {parsed.rejected[0]}")
    return parsed.rows


def frame(call: Call, schema: type[S], rows: Iterable[Mapping[str, object]]) -> dy.DataFrame[S]:
    """Rows as one of the frames that cross rooms, in the order of its key.

    Raises:
        BadMarketData: they break its rules.
    """
    made = pl.DataFrame(list(rows), schema=schema.create_empty().schema)
    try:
        return schema.validate(made.sort(schema.primary_key()))
    except dy.exc.ValidationError as error:
        raise BadMarketData(f"{call}: {error}") from error
