"""What a headline means for the stock it names: the first rule that matches decides.

The rules follow those for disclosures' titles (sources/dart/rules.py), in the words that
headlines use. Headlines also tell of what may come, is denied or was long known: such words make
them neutral, before anything else. A rule's words are looked for in their order with or without
spaces between them; they are chosen so that no other word holds them (not 부도, which is in
정부도; not 감자, the potato; not 화재, an insurer's name; not 수주, a few weeks).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

Verdict = Literal["positive", "neutral", "negative", "blocking"]


@dataclass(frozen=True)
class Rule:
    """Words of a headline, what they mean, why, and which kind of event they tell of."""

    words: str
    verdict: Verdict
    why: str
    kind: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The words with any space between them."""
        return re.compile(r"\s*".join(map(re.escape, self.words.split())))


RULES: Final = (
    # Denied, taken back, or not there yet: must stand before what it speaks of.
    Rule("사실 무근", "neutral", "denied"),
    Rule("사실 아냐", "neutral", "denied"),
    Rule("사실 아니", "neutral", "denied"),
    Rule("부인", "neutral", "denied"),
    Rule("무혐의", "neutral", "cleared"),
    Rule("무죄", "neutral", "cleared"),
    Rule("철회", "neutral", "withdrawn"),
    Rule("기각", "neutral", "a court refused it"),
    Rule("해제", "neutral", "a halt or designation is lifted"),
    Rule("재개", "neutral", "trading or production goes on"),
    Rule("상장 유지", "neutral", "a delisting review that ended well"),
    Rule("의견 적정", "neutral", "an unqualified audit opinion"),
    Rule("증자 완료", "neutral", "how an issue decided long before went"),
    Rule("증자설", "neutral", "a rumour"),
    Rule("가능성", "neutral", "may come"),
    Rule("전망", "neutral", "may come"),
    Rule("기대", "neutral", "may come"),
    Rule("추진", "neutral", "may come"),
    Rule("검토", "neutral", "may come"),
    Rule("임박", "neutral", "may come"),
    # A contract that ends.
    Rule("계약 해지", "negative", "a contract ends early", "contract ended"),
    Rule("계약 취소", "negative", "a contract ends early", "contract ended"),
    # Blocking.
    Rule("횡령", "blocking", "embezzlement, suspected or found", "embezzlement"),
    Rule("배임 혐의", "blocking", "breach of trust, suspected or found", "embezzlement"),
    Rule("상장 적격성", "blocking", "delisting review", "delisting"),
    Rule("상장 폐지", "blocking", "delisting, its reasons or its procedure", "delisting"),
    Rule("상폐", "blocking", "delisting, in short", "delisting"),
    Rule("의견 거절", "blocking", "auditor's disclaimer of opinion", "audit opinion"),
    Rule("감사 의견", "blocking", "else it makes no headline", "audit opinion"),
    Rule("거래 정지", "blocking", "trading halt", "halt"),
    Rule("유상 증자", "blocking", "rights issue", "rights issue"),
    Rule("최종 부도", "blocking", "default", "insolvency"),
    Rule("부도 처리", "blocking", "default", "insolvency"),
    Rule("파산 신청", "blocking", "bankruptcy filed for", "insolvency"),
    Rule("회생 절차", "blocking", "court receivership", "insolvency"),
    Rule("법정 관리", "blocking", "court receivership", "insolvency"),
    Rule("자본 잠식", "blocking", "capital eaten up, a reason for delisting", "insolvency"),
    # Negative.
    Rule("전환 사채", "negative", "convertible bonds dilute", "dilution"),
    Rule("신주인수권부 사채", "negative", "bonds with warrants dilute", "dilution"),
    Rule("교환 사채", "negative", "exchangeable bonds bring own shares to the market", "dilution"),
    Rule("무상 감자", "negative", "capital reduction", "capital reduction"),
    Rule("자사주 처분", "negative", "own shares come to the market", "own shares sold"),
    Rule("자사주 매각", "negative", "own shares come to the market", "own shares sold"),
    Rule("관리 종목", "negative", "made an administrative issue", "designation"),
    Rule("불성실 공시", "negative", "penalised for false disclosure", "designation"),
    Rule("영업 정지", "negative", "business suspended", "business stopped"),
    Rule("생산 중단", "negative", "production stopped", "business stopped"),
    Rule("공장 화재", "negative", "disaster", "business stopped"),
    Rule("과징금", "negative", "fined", "fined"),
    Rule("피소", "negative", "sued", "sued"),
    Rule("어닝 쇼크", "negative", "results far under what was expected", "results"),
    # Positive.
    Rule("공급 계약", "positive", "supply contract", "supply contract"),
    Rule("수주 계약", "positive", "supply contract", "supply contract"),
    Rule("자사주 매입", "positive", "buyback", "buyback"),
    Rule("자사주 취득", "positive", "buyback", "buyback"),
    Rule("자사주 소각", "positive", "own shares cancelled", "buyback"),
    Rule("무상 증자", "positive", "bonus issue", "bonus issue"),
    Rule("시설 투자", "positive", "new plant", "new plant"),
    Rule("특허 취득", "positive", "patent", "patent"),
    Rule("어닝 서프라이즈", "positive", "results far above what was expected", "results"),
    Rule("깜짝 실적", "positive", "results far above what was expected", "results"),
)


def classify(headline: str) -> Rule | None:
    """The rule a headline (plain text) follows; None: none, which says nothing."""
    return next((rule for rule in RULES if rule.pattern.search(headline)), None)
