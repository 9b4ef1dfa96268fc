"""Notices as text for people, in Korean or English, in neutral words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alerts.config import Language
from alerts.situation import Notice
from market.clock import SEOUL

MOST = 20  # notices in one text
LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class Text:
    """A subject line and plain text."""

    title: str
    body: str


_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "title": "closebell: {count} notice",
        "titles": "closebell: {count} notices",
        "repeat": "(sent again) ",
        "signal": "{scanner} {grade}: {stock}, {score}/{out_of}, {change}{preliminary}",
        "near_pivot": "{stock}: {price} won, {distance_pct:+.2f} % from its pivot {pivot}",
        "levels": "  entry {entry} · target {target} · stop {stop} won",
        "gate": "Market gate: {before} → {status} (level {level}){preliminary}",
        "scan_failed": "{scanner} scan of {session} ({as_of}) failed: {reason}",
        "scan_late": "{scanner} scan of {session} ({as_of}) is late, it was due {due}",
        "scan_well": "{scanner} scans again; that of {session} ({as_of}) had failed or was late",
        "source_down": "Source {name} doesn't answer: {reason}",
        "source_up": "Source {name} answers again",
        "test": "This is a test. Alerts reach {recipient}.",
        "preliminary": ", preliminary",
        "arisen": "Arisen {at:%Y-%m-%d %H:%M}",
        "more": "… and {count} more",
        "footer": "Computed from rules, not investment advice.",
        "new": "new",
        "upgraded": "upgraded",
        "GREEN": "green",
        "YELLOW": "yellow",
        "RED": "red",
        "vcp": "VCP",
        "daytrading": "Day trading",
        "closing_bet": "Closing bet",
        "market_gate": "Market gate",
    },
    "ko": {
        "title": "closebell: 알림 {count}건",
        "titles": "closebell: 알림 {count}건",
        "repeat": "(재전송) ",
        "signal": "{scanner} {grade}등급: {stock}, {score}/{out_of}점, {change}{preliminary}",
        "near_pivot": "{stock}: {price}원, 피벗 {pivot}원 대비 {distance_pct:+.2f} %",
        "levels": "  진입 {entry} · 목표 {target} · 손절 {stop}원",
        "gate": "마켓 게이트: {before} → {status} (점수 {level}){preliminary}",
        "scan_failed": "{session} {scanner} 스캔({as_of}) 실패: {reason}",
        "scan_late": "{session} {scanner} 스캔({as_of}) 지연, 예정 {due}",
        "scan_well": "{scanner} 스캔 재개, {session}({as_of}) 스캔 실패·지연 해소",
        "source_down": "데이터 소스 {name} 응답 없음: {reason}",
        "source_up": "데이터 소스 {name} 응답 재개",
        "test": "시험 알림입니다. {recipient}(으)로 알림이 전달됩니다.",
        "preliminary": ", 잠정",
        "arisen": "발생 {at:%Y-%m-%d %H:%M}",
        "more": "… 외 {count}건",
        "footer": "규칙에 따라 계산된 값이며 투자 권유가 아닙니다.",
        "new": "신규",
        "upgraded": "등급 상승",
        "GREEN": "초록",
        "YELLOW": "노랑",
        "RED": "빨강",
        "vcp": "VCP",
        "daytrading": "단타",
        "closing_bet": "종가베팅",
        "market_gate": "마켓 게이트",
    },
}
_NAMED = ("change", "status", "before", "scanner")
_WON = ("entry", "target", "stop", "price", "pivot")


def render(
    notices: Sequence[Notice],
    language: Language,
    dashboard_url: str,
    *,
    repeat: bool,
    at: datetime | None = None,
) -> Text:
    """One text of all notices, with a link to the dashboard; `at`: when the first of them arose.

    It may be read much later, after quiet hours or many attempts.
    """
    words = _WORDS[language]
    title = words["title" if len(notices) == 1 else "titles"].format(count=len(notices))
    lines = [line for notice in notices[:MOST] for line in _lines(notice, words)]
    if len(notices) > MOST:
        lines.append(words["more"].format(count=len(notices) - MOST))
    arisen = [words["arisen"].format(at=at.astimezone(SEOUL))] if at else []
    lines += ["", *arisen, link(notices, dashboard_url), words["footer"]]
    return Text((words["repeat"] if repeat else "") + title, "\n".join(lines))


def link(notices: Sequence[Notice], dashboard_url: str) -> str:
    """The dashboard: at the stock, if all is about one."""
    tickers = {notice.facts.get("ticker") for notice in notices}
    base = dashboard_url.rstrip("/")
    ticker = tickers.pop() if len(tickers) == 1 else None
    return f"{base}/#/stock/{ticker}" if ticker else f"{base}/"


def _lines(notice: Notice, words: Mapping[str, str]) -> list[str]:
    values = _in_words(notice.facts, words)
    lines = [words[notice.kind].format(**values)]
    if notice.kind in ("signal", "near_pivot") and notice.facts.get("entry") is not None:
        lines.append(words["levels"].format(**values))
    return lines


def _in_words(facts: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    values = {name: "–" if value is None else value for name, value in facts.items()}
    for name in _NAMED:
        if name in values:
            values[name] = words.get(values[name], values[name])
    for name in _WON:
        if facts.get(name) is not None:
            values[name] = f"{facts[name]:,.0f}"
    for name in ("score", "out_of", "level"):
        if facts.get(name) is not None:
            values[name] = f"{facts[name]:g}"
    if facts.get("reason") is not None:
        values["reason"] = _shortened(facts["reason"])
    values["preliminary"] = words["preliminary"] if facts.get("preliminary") else ""
    if "ticker" in facts:
        values["stock"] = f"{facts['name'] or facts['ticker']} ({facts['ticker']})"
    return values


def _shortened(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"
