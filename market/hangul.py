"""Searching Korean names by the initial consonants of their syllables (초성)."""

from __future__ import annotations

import re

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _EACH = ord("가"), 588  # syllables of one initial consonant follow each other in Unicode


def initials_pattern(text: str) -> str | None:
    """A regular expression for names that contain `text`, its bare consonants as initials.

    None where `text` has no bare consonant: then it is found as it stands.
    """
    if not any(letter in _INITIALS for letter in text):
        return None
    return "".join(_syllables(letter) for letter in text)


def _syllables(letter: str) -> str:
    place = _INITIALS.find(letter)
    if place < 0:
        return re.escape(letter)
    first = _FIRST + place * _EACH
    return f"[{letter}{chr(first)}-{chr(first + _EACH - 1)}]"
