"""Invented names, sectors and codes: nothing here belongs to a company that exists."""

from __future__ import annotations

from typing import Final

# Syllables no listed company strings together, so that a name is seen to be made up.
_SYLLABLES: Final = (
    "갓겹곶굴넬눕늪닻덤돗둥랍룬맷몽뭍밀벨볏뵤숯솜쉼싹옹얌윷잣젬쳄촉콩큐탭툇튤펭풋헛횃"
)

SECTORS: Final = (
    ("반도체", "칩"),
    ("전자부품", "전자"),
    ("디스플레이", "디스플레이"),
    ("이차전지", "셀"),
    ("자동차부품", "모터"),
    ("조선기자재", "마린"),
    ("기계장비", "기계"),
    ("철강", "제강"),
    ("비철금속", "메탈"),
    ("화학", "화학"),
    ("정유가스", "에너지"),
    ("건설", "건설"),
    ("건축자재", "건재"),
    ("제약", "제약"),
    ("바이오", "바이오"),
    ("의료기기", "메디칼"),
    ("화장품", "코스메틱"),
    ("음식료", "식품"),
    ("섬유의류", "어패럴"),
    ("유통", "상사"),
    ("운송물류", "물류"),
    ("여행레저", "레저"),
    ("미디어", "미디어"),
    ("게임", "게임즈"),
    ("소프트웨어", "소프트"),
    ("통신장비", "네트웍스"),
    ("금융", "캐피탈"),
    ("지주회사", "홀딩스"),
    ("방위산업", "디펜스"),
)

MAX_STOCKS: Final = 9_000

# Codes the exchange has given to no share: those beginning with 8.
_FIRST_CODE: Final = 80_000
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"


def stem(number: int) -> str:
    """Three syllables, a different combination for each number below 64,000."""
    size = len(_SYLLABLES)
    mixed = number * 24_571 % size**3
    return (
        _SYLLABLES[mixed % size]
        + _SYLLABLES[mixed // size % size]
        + _SYLLABLES[mixed // size**2 % size]
    )


def ordinary_code(number: int) -> str:
    """An old-format code ending in 0, for what was listed when the market began."""
    return f"{_FIRST_CODE + number * 7 % 10_000}0"


def new_code(number: int) -> str:
    """A new-format code (four characters and a letter, then 0), for later listings."""
    serial, letter = divmod(number, len(_LETTERS))
    return f"8{serial % 1_000:03d}{_LETTERS[(letter + serial // 1_000) % len(_LETTERS)]}0"


def preferred_code(parent: str, ending: str) -> str:
    """The code of a preferred share: its parent's, but for the last character."""
    return parent[:5] + ending
