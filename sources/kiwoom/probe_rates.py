"""How many calls Kiwoom answers a second: of one kind, and of all kinds together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from errors import RateLimited
from sources.http.call import Throttled
from sources.kiwoom.client import KiwoomClient
from sources.probing import Answer

FASTER: Final = (1.5, 2.0, 3.0, 5.0)
CALLS_A_RATE: Final = 6
TOTALS: Final = (1.0, 2.0, 4.0)
ROUNDS: Final = 2  # a burst of two of a kind is borne

Open = Callable[[float, float | None], AbstractContextManager[KiwoomClient]]
"""A client that makes so many calls of a kind, and of all kinds if given, a second; none again."""

Asked = Sequence[tuple[str, Mapping[str, str]]]


def of_a_kind(opened: Open, per_second: float, tr: str, body: Mapping[str, str]) -> Answer:
    """Six calls of one TR at each of some paces above the one set, until one is refused."""
    best, refused = per_second, None
    for rate in (faster * per_second for faster in FASTER):
        refused = _refusal(opened, rate, None, [(tr, body)] * CALLS_A_RATE)
        if refused:
            break
        best = rate
    return _answer(best, per_second, refused, "CLOSEBELL_KIWOOM_CALLS_PER_SECOND")


def of_all(opened: Open, per_second: float, total: float, asked: Asked) -> Answer:
    """Two calls of each of these TRs, at the total pace set and above, until one is refused."""
    best, refused = 0.0, None
    # Each kind comes around slowly enough for its own limit, but for a burst of two.
    of_one = max(per_second, max(TOTALS) * total)
    for rate in (faster * total for faster in TOTALS):
        refused = _refusal(opened, of_one, rate, [*asked] * ROUNDS)
        if refused:
            break
        best = rate
    if refused and not best:
        if refused.of_all:
            return Answer(refused.said, False, "lower CLOSEBELL_KIWOOM_TOTAL_PER_SECOND")
        said = f"not known: {refused.said}, which is the limit of a kind"
        return Answer(said, None, "run it again while nothing else asks Kiwoom")
    return _answer(best, total, refused, "CLOSEBELL_KIWOOM_TOTAL_PER_SECOND")


@dataclass(frozen=True)
class _Refused:
    said: str
    of_all: bool


def _refusal(opened: Open, per_second: float, total: float | None, asked: Asked) -> _Refused | None:
    """The first refusal, with its status and return code; None if all were answered."""
    rate = per_second if total is None else total
    try:
        with opened(per_second, total) as quick:
            for tr, body in asked:
                quick.ask(tr, body, subject=f"at {rate:g}/s")
    except RateLimited as error:
        cause = error.__cause__
        said = f"{rate:g} a second are refused ({error.detail[:120]})"
        return _Refused(said, isinstance(cause, Throttled) and cause.of_all)
    return None


def _answer(best: float, set_to: float, refused: _Refused | None, setting: str) -> Answer:
    told = refused.said if refused else "none was refused, so what a 429 says wasn't seen"
    return Answer(
        f"{best:g} a second were answered; {told}; set is {set_to:g}",
        True,
        f"{setting}={best:g} would be faster" if best > set_to else None,
    )
