"""Rows of texts made typed: the good ones taken, the bad ones counted, too many of them refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import dataframely as dy
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

import logs
from errors import BadMarketData
from sources.http.call import Call

WireRow = Mapping[str, Any]

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S", bound=dy.Schema)


class BadNumber(ValueError):
    """A text that isn't of the expected form; the message quotes it."""


class RowError(ValueError):
    """A row that can't be taken; says which field holds what."""


def given(parse: Callable[[str], T | None]) -> Callable[[str], T]:
    """The parser for a field that may not be blank."""

    def parse_given(text: str) -> T:
        value = parse(text)
        if value is None:
            raise BadNumber("blank")
        return value

    return parse_given


class Row(BaseModel):
    """What all have in common: frozen, unknown fields ignored, read by wire name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def parse(cls, wire: Mapping[str, Any]) -> Self:
        """The row that the wire's texts say.

        Raises:
            RowError: a field is missing, of an unknown form or value, or two contradict.
        """
        if not any(isinstance(value, str) and value.strip() for value in wire.values()):
            raise RowError("every field is blank")
        try:
            return cls.model_validate(wire)
        except ValidationError as error:
            raise RowError("; ".join(_in_words(e) for e in error.errors()[:3])) from None


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


def _in_words(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if not field:
        return message
    if error["type"] == "missing":
        return f"{field} is missing"
    return f"{field} {error['input']!r}: {message}"
