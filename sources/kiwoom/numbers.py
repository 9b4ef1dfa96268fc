"""Every way Kiwoom writes a number, read in one place.

All values come as text. Blank means missing and becomes None. Whatever isn't exactly of the
expected form is refused: no text is ever read as a number that it doesn't say.

Where the forms were seen: the official examples, and measurements of other users (double signs
in ka10061, ka10062 and ka10131; saturated 32-bit values in ka10020, ka10021 and ka10062).
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Final

from market.schemas import TICKER
from sources.wire import BadNumber

# A run of one sign counts once: "--28837" is -28837. Two different signs are no number.
_WHOLE: Final = re.compile(r"(\+*|-*)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)", re.ASCII)
_DECIMAL: Final = re.compile(r"(\+*|-*)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?", re.ASCII)
_CODE: Final = re.compile(r"A?([0-9A-Z]{6})(?:_(AL|NX))?", re.ASCII)

SATURATED: Final = frozenset((4_294_967_295, 2_147_483_647, 2_147_483_648))  # 32 bits full
# The same divided by 1,000, as an average price came; no tick allows such a price.
SATURATED_PRICES: Final = frozenset((4_294_967, 2_147_483, 2_147_484))
LARGEST: Final = 10**12  # beyond any count or amount here; times a million still a bigint
MILLION: Final = 1_000_000

_MISSING_DAY: Final = ("", "00000000")


def price(text: str) -> int | None:
    """Won. The sign only shows the direction against the last close, so it is dropped."""
    value = _whole(text)
    if value is not None and abs(value) in SATURATED_PRICES:
        raise BadNumber(f"{text!r} is a saturated value")
    return None if value is None else abs(value)


def signed(text: str) -> int | None:
    """A change or net buying, in the field's own unit: the sign is real."""
    return _whole(text)


def count(text: str) -> int | None:
    """Shares, stocks: never below zero."""
    value = _whole(text)
    if value is not None and value < 0:
        raise BadNumber(f"{text!r} is negative")
    return value


def million_won(text: str) -> int | None:
    """An amount given in millions of won, as won; the sign is real."""
    value = _whole(text)
    return None if value is None else value * MILLION


def percent(text: str) -> float | None:
    """A percentage with its real sign, as percent: "+0.89" is 0.89."""
    return _decimal(text)


def hundredths(text: str) -> float | None:
    """A value given without its point, times 100, the sign real: "+698" is 6.98.

    A point in it would mean that the unit has changed, and is refused.
    """
    value = _whole(text)
    return None if value is None else value / 100


def index_level(text: str) -> float | None:
    """Index points; the sign only shows the direction: "-2394.49" is 2394.49."""
    value = _decimal(text)
    return None if value is None else abs(value)


def index_hundredths(text: str) -> float | None:
    """Index points given times 100: "252127" is 2521.27."""
    value = hundredths(text)
    return None if value is None else abs(value)


def krx_code(text: str) -> str:
    """A ticker on the exchange itself, without the `A` that account data put before it.

    The same stock on NXT (`_NX`) or on both markets (`_AL`) has other volumes, so those are
    refused here.
    """
    ticker, venue = code(text)
    if venue != "KRX":
        raise BadNumber(f"{text!r} is of {venue}, not of KRX")
    return ticker


def code(text: str) -> tuple[str, str]:
    """Ticker and venue: KRX, NXT (`_NX`) or both together (`_AL`)."""
    found = _CODE.fullmatch(_text(text).strip())
    if not found or not re.fullmatch(TICKER, found[1]):
        raise BadNumber(f"{text!r} is no stock code")
    return found[1], {"AL": "KRX and NXT", "NX": "NXT"}.get(found[2] or "", "KRX")


def day(text: str) -> date | None:
    """YYYYMMDD; blank or all zeros is missing."""
    stripped = _text(text).strip()
    if stripped in _MISSING_DAY:
        return None
    if not re.fullmatch(r"[0-9]{8}", stripped, re.ASCII):
        raise BadNumber(f"{text!r} is no date")
    try:
        return date(int(stripped[:4]), int(stripped[4:6]), int(stripped[6:]))
    except ValueError:
        raise BadNumber(f"{text!r} is no date") from None


def clock(text: str) -> time | None:
    """HHmmss, Korean time; blank is missing."""
    stripped = _text(text).strip()
    if not stripped:
        return None
    if not re.fullmatch(r"[0-9]{6}", stripped, re.ASCII):
        raise BadNumber(f"{text!r} is no time")
    try:
        return time(int(stripped[:2]), int(stripped[2:4]), int(stripped[4:]))
    except ValueError:
        raise BadNumber(f"{text!r} is no time") from None


def _whole(text: str) -> int | None:
    stripped = _text(text).strip(" ")
    if not stripped:
        return None
    found = _WHOLE.fullmatch(stripped)
    if not found:
        raise BadNumber(f"{text!r} is no whole number")
    value = int(found[2].replace(",", ""))
    if value >= LARGEST:
        raise BadNumber(f"{text!r} is too large")
    if value in SATURATED:
        raise BadNumber(f"{text!r} is a saturated value")
    return -value if found[1].startswith("-") else value


def _decimal(text: str) -> float | None:
    stripped = _text(text).strip(" ")
    if not stripped:
        return None
    found = _DECIMAL.fullmatch(stripped)
    if not found:
        raise BadNumber(f"{text!r} is no number")
    whole, fraction = found[2].replace(",", "").lstrip("0"), found[3] or ""
    if len(whole + fraction) > 15:  # what a double holds exactly
        raise BadNumber(f"{text!r} is too long")
    value = float(f"{whole or '0'}.{fraction or '0'}")
    return -value if found[1].startswith("-") else value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadNumber(f"{value!r} is no text")
    return value
