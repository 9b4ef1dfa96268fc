"""Which one stock a headline is about; none where that can't be told.

Names of companies are also plain words and parts of other names. So a name must be whole, alone
and not short: rather no stock than a wrong one.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

SHORTEST: Final = 3  # characters; shorter ones are words as well (대상, 나노, LG)
# After the name of whoever does something or has it done to them; not 와, 과, 에, 로: those
# follow the other side of a contract.
_PARTICLES: Final = ("이", "가", "은", "는", "의", "도", "을", "를")
_OTHERS: Final = ("와", "과", "에", "에게", "에서", "로", "으로")
_LETTER: Final = r"[\w&]"
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")


def plain(text: str) -> str:
    """A title as it is read: without tags, entities and what can't be seen, composed (NFC)."""
    shown = html.unescape(_TAG.sub("", text))
    seen = "".join(
        " " if character.isspace() else character
        for character in shown
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    return unicodedata.normalize("NFC", " ".join(seen.split()))


class Names:
    """The names of all that is listed, by ticker."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._plain = {ticker: plain(name) for ticker, name in names.items()}
        self._of = {ticker: name.casefold() for ticker, name in self._plain.items()}
        self._tickers: dict[str, set[str]] = defaultdict(set)
        for ticker, name in self._of.items():
            if len(name) > 1:
                self._tickers[name].add(ticker)

    def of(self, ticker: str) -> str:
        """A stock's name."""
        return self._plain[ticker]

    def askable(self, ticker: str) -> bool:
        """Whether that stock's name is long enough, and its own, to be looked for."""
        name = self._of.get(ticker, "")
        return len(name) >= SHORTEST and self._tickers[name] == {ticker}

    def is_about(self, headline: str, ticker: str) -> bool:
        """Whether a headline (plain text) names this stock as a word, and no other one."""
        text = headline.casefold()
        own = self._of[ticker]
        if own not in text or not _stands(own, _PARTICLES, text):
            return False
        together = text.replace(" ", "")
        return not any(
            name in together
            if own in name  # a longer name may be written with a space in it
            else name in text and _stands(name, (*_PARTICLES, *_OTHERS), text)
            for name in self._tickers
            if name != own
        )


def _stands(name: str, particles: tuple[str, ...], text: str) -> bool:
    follows = "|".join(map(re.escape, particles))
    pattern = rf"(?<!{_LETTER}){re.escape(name)}(?:{follows})?(?!{_LETTER})"
    return re.search(pattern, text) is not None
