"""Names of rules as they are written on the command line, and what is near a wrong one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from errors import SettingsError

_SHOWN = 6


def parse(text: str) -> tuple[str, Any]:
    """(name, value) of `name=value`; a value is JSON, and else a word.

    Raises:
        SettingsError: there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not (name := name.strip()) or not equals:
        raise SettingsError(
            f"{text!r} sets nothing",
            remedy="write it as name=value, as in vcp.pivot.max_below=0.03",
        )
    return name, _value(value.strip())


def parse_many(text: str) -> tuple[str, list[Any]]:
    """(name, values) of `name=value,value`; commas in brackets part nothing.

    Raises:
        SettingsError: there is no `=`, or a value twice.
    """
    name, whole = parse(text)
    _, _, written = text.partition("=")
    values = [_value(one) for one in _parted(written)] if "," in written else [whole]
    if len({json.dumps(one) for one in values}) < len(values):
        raise SettingsError(f"{text!r} has a value twice", remedy="leave one of them out")
    return name, values


def refuse_unknown(names: Collection[str], known: Sequence[str]) -> None:
    """Complain of the first name that no rule has.

    Raises:
        SettingsError: naming the rules that are near it.
    """
    for name in names:
        if name not in known:
            raise SettingsError(
                f"there is no rule {name!r}", remedy=f"near it are {', '.join(near(name, known))}"
            )


def near(name: str, known: Sequence[str]) -> list[str]:
    """The names most like this one, those of the same table first."""
    table = name.rpartition(".")[0]
    beside = [one for one in known if one.rpartition(".")[0] == table]
    inside = [one for one in known if one.startswith(f"{name}.")]
    alike = get_close_matches(name, known, n=_SHOWN, cutoff=0.6)
    last = name.rpartition(".")[2]
    same_word = [one for one in known if one.rpartition(".")[2] == last]
    ranked = get_close_matches(name, beside, n=_SHOWN, cutoff=0.0)
    found = dict.fromkeys([*inside, *same_word, *ranked, *alike])
    return list(found)[:_SHOWN] or list(dict.fromkeys(k.partition(".")[0] for k in known))


def nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes by full name as tables in tables."""
    result: dict[str, Any] = {}
    for name, value in changes.items():
        *path, leaf = name.split(".")
        table = result
        for part in path:
            table = table.setdefault(part, {})
        table[leaf] = value
    return result


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _parted(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "[{") - (sign in "]}")
        if sign == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]
