"""No text is read as a number that it doesn't say."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sources.kiwoom import numbers
from sources.wire import BadNumber

WHOLE: list[Callable[[str], Any]] = [
    numbers.price,
    numbers.signed,
    numbers.count,
    numbers.million_won,
    numbers.hundredths,
    numbers.index_hundredths,
]
DECIMAL: list[Callable[[str], Any]] = [numbers.percent, numbers.index_level]

# Text near to what Kiwoom writes, so that most of it is almost a number.
NEAR = st.text(alphabet="+-0123456789,. _AexE１२٣\u2212\u00a0\n", max_size=14) | st.text(max_size=8)


def said(text: str) -> Decimal | None:
    """What a text says, read in another way than the parser does: by hand, sign by sign."""
    rest = text.strip(" ")
    if not rest:
        return None
    sign = rest[0] if rest[0] in "+-" else ""
    if sign:
        rest = rest.lstrip(sign)
    whole, point, fraction = rest.partition(".")
    groups = whole.split(",")
    digits = whole.replace(",", "") + fraction
    well_grouped = len(groups) == 1 or (
        1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    )
    plain = all(c in "0123456789" for c in digits) and bool(whole) and bool(groups[0])
    if not plain or not well_grouped or (point and not fraction):
        raise BadNumber(text)
    value = Decimal(whole.replace(",", "") + point + fraction)
    return -value if sign == "-" else value


def expected(parse: Callable[[str], Any], value: Decimal) -> Any:
    match parse.__name__:
        case "price":
            return abs(int(value))
        case "million_won":
            return int(value) * 1_000_000
        case "hundredths":
            return float(value / 100)
        case "index_hundredths":
            return float(abs(value / 100))
        case "index_level":
            return float(abs(value))
        case "percent":
            return float(value)
    return int(value)


@pytest.mark.parametrize("parse", [*WHOLE, *DECIMAL])
@given(text=NEAR)
@example("--28837")
@example("+-5")
@example("1,23")
@example("1_000")
@example("１２")
@example("0x10")
@example("1e5")
@example("12.")
@example("-")
@example("\u221212")
def test_what_is_read_is_what_the_text_says(parse: Callable[[str], Any], text: str) -> None:
    try:
        read = parse(text)
    except BadNumber:
        return
    value = said(text)
    if value is None:
        assert read is None
    else:
        assert read == expected(parse, value)
        if parse in WHOLE:
            assert "." not in text


@pytest.mark.parametrize("parse", [*WHOLE, *DECIMAL])
@given(
    value=st.integers(0, 10**9).filter(lambda n: n not in numbers.SATURATED_PRICES),
    sign=st.sampled_from(["", "+", "-", "--", "++"]),
    zeros=st.integers(0, 6),
    grouped=st.booleans(),
)
@example(value=10**9, sign="", zeros=6, grouped=False)
def test_every_way_of_writing_a_number_is_read(
    parse: Callable[[str], Any], value: int, sign: str, zeros: int, grouped: bool
) -> None:
    if parse is numbers.count and sign.startswith("-") and value:
        sign = "+"
    text = sign + (f"{value:,}" if grouped else "0" * zeros + str(value))
    number = -value if sign.startswith("-") else value
    assert parse(text) == expected(parse, Decimal(number))


@pytest.mark.parametrize("parse", [*WHOLE, *DECIMAL])
@pytest.mark.parametrize("text", ["", " ", "    "])
def test_blank_is_missing_and_never_zero(parse: Callable[[str], Any], text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("parse", [*WHOLE, *DECIMAL])
@pytest.mark.parametrize("value", [None, 5, 5.0, True, ["5"]])
def test_only_text_is_taken(parse: Callable[[Any], Any], value: object) -> None:
    with pytest.raises(BadNumber, match="no text"):
        parse(value)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (numbers.price, "-269500", 269500),
        (numbers.price, "00000197", 197),
        (numbers.signed, "--28837", -28837),
        (numbers.signed, "+64891", 64891),
        (numbers.count, "0000000123759593", 123759593),
        (numbers.million_won, "4456294", 4_456_294_000_000),
        (numbers.million_won, "-12", -12_000_000),
        (numbers.hundredths, "+698", 6.98),
        (numbers.hundredths, "-110", -1.10),
        (numbers.index_hundredths, "683804", 6838.04),
        (numbers.index_level, "-2394.49", 2394.49),
        (numbers.percent, "-10.42", -10.42),
        (numbers.percent, "0.00", 0.0),
    ],
)
def test_each_field_has_its_unit_and_sign(
    parse: Callable[[str], Any], text: str, value: float
) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", ["4294967295", "2147483647", "-2147483648", "+4,294,967,295"])
@pytest.mark.parametrize("parse", WHOLE)
def test_a_full_32_bit_value_is_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(BadNumber, match=r"saturated|negative"):
        parse(text)


def test_a_price_that_is_a_saturated_amount_is_refused() -> None:
    with pytest.raises(BadNumber, match="saturated"):
        numbers.price("-2147483")
    assert numbers.count("2147483") == 2147483  # a volume may be that


def test_a_volume_below_zero_is_refused() -> None:
    with pytest.raises(BadNumber, match="'-5' is negative"):
        numbers.count("-5")


@pytest.mark.parametrize(
    ("text", "ticker", "venue"),
    [
        ("005930", "005930", "KRX"),
        ("A005930", "005930", "KRX"),
        ("005930_NX", "005930", "NXT"),
        ("005930_AL", "005930", "KRX and NXT"),
        ("0126Z0", "0126Z0", "KRX"),
        ("02826K", "02826K", "KRX"),
    ],
)
def test_a_code_names_ticker_and_venue(text: str, ticker: str, venue: str) -> None:
    assert numbers.code(text) == (ticker, venue)


@pytest.mark.parametrize("text", ["", "5930", "KRX:005930", "005930_XX", "00593０", "005930AL"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(BadNumber, match="no stock code"):
        numbers.code(text)


@pytest.mark.parametrize("text", ["005930_AL", "005930_NX"])
def test_another_venue_is_never_taken_for_the_exchange(text: str) -> None:
    with pytest.raises(BadNumber, match=re.escape(repr(text))):
        numbers.krx_code(text)


def test_days_and_times() -> None:
    assert numbers.day("20260930") == date(2026, 9, 30)
    assert numbers.day("") is None
    assert numbers.day("00000000") is None
    assert numbers.clock("163713") == time(16, 37, 13)
    for text in ("20260931", "2026-09-30", "2026093", "２0260930"):
        with pytest.raises(BadNumber, match="no date"):
            numbers.day(text)
    for text in ("888888", "9", "15:30"):
        with pytest.raises(BadNumber, match="no time"):
            numbers.clock(text)
