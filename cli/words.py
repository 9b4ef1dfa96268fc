"""What the terminal says, in English or Korean; JSON, help, errors and logs are always English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from cli.words_ko import SENTENCES, WORDS
from settings import Language


@dataclass(frozen=True)
class Words:
    """A language. Code and database speak English; `WORDS` and `SENTENCES` are laid over that."""

    language: Language = "en"
    _words: Mapping[str, str] = field(default_factory=dict, repr=False)
    _sentences: Sequence[tuple[re.Pattern[str], str]] = field(default=(), repr=False)

    def __call__(self, text: str, **values: object) -> str:
        """Fixed words with `values` in their {places}; English where nobody translated them."""
        return self._words.get(text, text).format(**values)

    def told(self, text: str) -> str:
        """A sentence that came with its figures: a reason, a check's detail, a note."""
        if text in self._words:
            return self._words[text]
        for pattern, translation in self._sentences:
            text = pattern.sub(partial(self._filled, translation), text)
        return text

    def _filled(self, translation: str, match: re.Match[str]) -> str:
        return translation.format(*[_Group(self.told(group or "")) for group in match.groups()])


class _Group(str):
    """What a pattern found; `{0:billions}` says so many billion won as Koreans do."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return in_won(float(self) * 1e9) if spec == "billions" else super().__format__(spec)


def in_won(amount: float) -> str:
    """An amount of won in 조 and 억 (10^12 and 10^8), a smaller one in 만 (10^4)."""
    sign, won = "-" if amount < 0 else "", round(abs(amount))
    counts = ((won // 10**12, "조"), (won % 10**12 // 10**8, "억"))
    parts = [f"{count:,}{unit}" for count, unit in counts if count]
    if parts:
        return f"{sign}{' '.join(parts)} 원"
    return f"{sign}{won // 10**4:,}만 원" if won >= 10**4 else f"{sign}{won:,}원"


ENGLISH = Words()


def words_of(language: Language) -> Words:
    """The terminal's words in that language."""
    if language == "en":
        return ENGLISH
    return Words(language, WORDS, [(re.compile(pattern), said) for pattern, said in SENTENCES])
