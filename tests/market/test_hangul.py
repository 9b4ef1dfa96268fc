"""Initial consonants stand for the syllables that begin with them."""

from __future__ import annotations

import re

import pytest

from market.hangul import initials_pattern


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("ㅅㅅㅈㅈ", "삼성전자", True),
        ("ㅅㅅ", "하이닉스", False),
        ("삼ㅅ", "삼성전자", True),
        ("ㅆ", "쌍용", True),
        ("ㅅ", "쌍용", False),
        ("ㄱ.", "가나", False),
        ("ㅎ", "힣", True),
    ],
)
def test_bare_consonants_are_initials(text, name, found):
    pattern = initials_pattern(text)
    assert pattern is not None
    assert bool(re.search(pattern, name)) is found


def test_without_a_bare_consonant_there_is_no_pattern():
    assert initials_pattern("삼성") is None
    assert initials_pattern("KT&G") is None
