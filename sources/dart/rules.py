"""What a disclosure's title means for its stock: the first rule that matches decides.

Titles are those of the exchange's and DART's report forms, compared without spaces and middle
dots. A title says what was filed, not how large or how good it is: contracts already reported and
changes of owners are neutral, and so are results, whose surprise stands in figures that the list
doesn't hold (docs/decisions/calls-to-providers.md). What stops a purchase (blocking) is the list in
the scanners' rules: delisting review, embezzlement, audit opinion, rights issue, trading halt; and
insolvency, which leads there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["positive", "neutral", "negative", "blocking"]

# The dots that stand between words in titles; which of them varies from filing to filing.
_BETWEEN: Final = re.compile(r"[\s·ㆍ・‧∙,]+")
_CORRECTION: Final = re.compile(r"^(\[[^\]]*(정정|첨부추가|변경등록|연장결정)[^\]]*\])+")


@dataclass(frozen=True)
class Rule:
    """A part of a title, what it means, and why."""

    title: str
    verdict: Verdict
    why: str


RULES: Final = (
    # Taken back or lifted: must stand before what it takes back.
    Rule("해제", "neutral", "a designation or halt is lifted"),
    Rule("미지정", "neutral", "a designation that was announced doesn't come"),
    Rule("대상제외", "neutral", "a delisting review that doesn't come"),
    Rule("대상결정여부", "blocking", "whether a delisting review comes is open: trading is halted"),
    Rule("철회", "neutral", "a decision withdrawn"),
    Rule("발행결과", "neutral", "how an issue decided long before went"),
    Rule("회생절차종결", "neutral", "court receivership has ended"),
    Rule("증자결정(종속회사", "neutral", "a subsidiary issues shares, not the company"),
    Rule("증자결정(자회사", "neutral", "a subsidiary issues shares, not the company"),
    Rule("해지", "negative", "a supply or buyback contract ends early"),
    # Blocking.
    Rule("횡령", "blocking", "embezzlement, suspected or found"),
    Rule("배임", "blocking", "breach of trust, suspected or found"),
    Rule("상장적격성", "blocking", "delisting review"),
    Rule("상장폐지", "blocking", "delisting, its reasons or its procedure"),
    Rule("개선기간", "blocking", "a respite within a delisting review"),
    Rule("의견거절", "blocking", "auditor's disclaimer of opinion"),
    Rule("의견부적정", "blocking", "auditor's adverse opinion"),
    Rule("감사의견", "blocking", "other than unqualified, else it has no filing of its own"),
    Rule("매매거래정지", "blocking", "trading halt"),
    Rule("유무상증자결정", "blocking", "rights issue together with a bonus issue"),
    Rule("유상증자결정", "blocking", "rights issue"),
    Rule("부도발생", "blocking", "default"),
    Rule("파산신청", "blocking", "bankruptcy filed for"),
    Rule("회생절차", "blocking", "court receivership"),
    Rule("자본잠식", "blocking", "capital eaten up, a reason for delisting"),
    # Negative.
    Rule("전환사채권발행결정", "negative", "convertible bonds dilute"),
    Rule("신주인수권부사채권발행결정", "negative", "bonds with warrants dilute"),
    Rule("교환사채권발행결정", "negative", "exchangeable bonds put own shares on the market"),
    Rule("감자결정", "negative", "capital reduction"),
    Rule("자기주식처분결정", "negative", "own shares come to the market"),
    Rule("관리종목지정", "negative", "made an administrative issue"),
    Rule("투자주의환기종목지정", "negative", "put under caution"),
    Rule("불성실공시법인지정", "negative", "penalised for false disclosure"),
    Rule("소송등의제기", "negative", "sued"),
    Rule("영업정지", "negative", "business suspended"),
    Rule("생산중단", "negative", "production stopped"),
    Rule("재해발생", "negative", "disaster"),
    Rule("벌금등의부과", "negative", "fined"),
    Rule("거래처와의거래중단", "negative", "a customer lost"),
    # Positive.
    Rule("공급계약체결", "positive", "supply contract"),
    Rule("자기주식취득결정", "positive", "buyback"),
    Rule("자기주식취득신탁계약체결결정", "positive", "buyback by a trust"),
    Rule("주식소각결정", "positive", "own shares cancelled"),
    Rule("무상증자결정", "positive", "bonus issue"),
    Rule("신규시설투자", "positive", "new plant"),
    Rule("특허권취득", "positive", "patent"),
)


def classify(report_name: str) -> tuple[Verdict, Rule | None]:
    """The verdict on a title, and the rule it follows from (None: no rule, neutral).

    A correction of something positive is neutral, as it was counted when it was first filed.
    """
    title = _BETWEEN.sub("", report_name)
    plain = _CORRECTION.sub("", title)
    for rule in RULES:
        if rule.title in plain:
            corrected = plain != title and rule.verdict == "positive"
            return ("neutral" if corrected else rule.verdict), rule
    return "neutral", None
