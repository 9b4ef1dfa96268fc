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
        return translation.format(*[self.told(group or "") for group in match.groups()])


ENGLISH = Words()


def words_of(language: Language) -> Words:
    """The terminal's words in that language."""
    if language == "en":
        return ENGLISH
    return Words(language, WORDS, [(re.compile(pattern), said) for pattern, said in SENTENCES])
