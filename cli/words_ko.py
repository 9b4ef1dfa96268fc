"""The terminal in Korean: fixed words by their English, and sentences by their pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cli import words_ko_history

WORDS: Final[Mapping[str, str]] = {
    **words_ko_history.WORDS,
    # tables of signals and scans
    "ticker": "코드",
    "name": "종목",
    "score": "점수",
    "grade": "등급",
    "entry": "진입가",
    "target": "목표가",
    "stop": "손절가",
    "reasons": "근거",
    "scanner": "스캐너",
    "scanned": "스캔",
    "no grade": "등급 없음",
    "signals": "신호",
    "left out": "제외",
    "none": "없음",
    "{scanner}: {count} signals ({grades})": "{scanner}: 신호 {count}개 ({grades})",
    "… and {count} more: closebell signals --scanner {scanner}": (
        "… 외 {count}개: closebell signals --scanner {scanner}"
    ),
    "market gate ": "마켓 게이트 ",
    "GREEN": "초록",
    "YELLOW": "노랑",
    "RED": "빨강",
    # the summary of a run
    "skipped: {reason}": "건너뜀: {reason}",
    "note: {note}": "참고: {note}",
    "{count} sessions": "{count}거래일",
    "{market} market": "{market} 시장",
    "sample": "샘플",
    "stored": "저장된",
    "replay": "재생",
    "close": "종가",
    "final": "확정",
    " at the close": " 종가 기준",
    " with its net buying": " 수급 확정 기준",
    " at {slot}": " {slot} 기준",
    "{seconds} s": "{seconds}초",
    "flow run {id}": "플로 실행 {id}",
    "This market is invented. Next, with real data:": (
        "이 시장은 지어낸 것입니다. 다음은 실제 자료로:"
    ),
    "download and store two years": "두 해의 시세를 받아 저장",
    "scan the newest stored session": "저장된 최신 거래일을 스캔",
    "one stock's signals and their parts": "한 종목의 신호와 항목",
    "what is set, stored and missing": "설정과 자료, 빠진 것을 점검",
    "Next: {program} signals --json, {program} doctor": (
        "다음: {program} signals --json, {program} doctor"
    ),
    "Nothing was scanned{when}. Try: closebell run end-of-day{option}": (
        "스캔한 것이 없습니다{when}. 이렇게 하십시오: closebell run end-of-day{option}"
    ),
    " in {session}": " ({session})",
    " yet": "",
    "{ticker} was never a signal.": "{ticker} 종목은 신호가 된 적이 없습니다.",
    "Scanned, and no stock passed in {session}.": (
        "스캔했으나 통과한 종목이 없습니다 ({session})."
    ),
    # progress
    "opening the database": "데이터베이스를 여는 중",
    "starting Prefect and the flow run": "Prefect와 플로를 시작하는 중",
    "reading the signals": "신호를 읽는 중",
    # the calendar
    "date": "날짜",
    "hours": "시간",
    "why": "사유",
    "closed": "휴장",
    "{year}: {count} sessions, {hours} Asia/Seoul, but for": (
        "{year}년: {count}거래일, {hours} (서울 시각), 다음은 예외"
    ),
    "Mon": "월",
    "Tue": "화",
    "Wed": "수",
    "Thu": "목",
    "Fri": "금",
    "Sat": "토",
    "Sun": "일",
    "Armed Forces Day": "국군의 날",
    "Buddha's Birthday": "부처님오신날",
    "Children's Day": "어린이날",
    "Christmas Day": "성탄절",
    "Chuseok": "추석",
    "Constitution Day": "제헌절",
    "End of Year Holiday": "연말 휴장",
    "Hangul Day": "한글날",
    "Independence Movement Day": "삼일절",
    "Korean New Year": "설날",
    "Labor Day": "노동절",
    "Workers' Day": "근로자의 날",
    "Liberation Day": "광복절",
    "Local Election Day": "지방선거일",
    "Memorial Day": "현충일",
    "National Assembly Election Day": "국회의원 선거일",
    "National Foundation Day": "개천절",
    "New Year's Day": "신정",
    "Presidential Election Day": "대통령 선거일",
    "Temporary Public Holiday": "임시공휴일",
    "The day preceding Chuseok": "추석 전날",
    "The day preceding Korean New Year": "설날 전날",
    "The second day of Chuseok": "추석 다음 날",
    "The second day of Korean New Year": "설날 다음 날",
    "closed by the setting extra_holidays": "설정 extra_holidays에 따른 휴장",
    "closed by the exchange": "거래소 휴장",
    "first session of the year, opens late": "새해 첫 거래일, 늦게 개장",
    "university entrance exam, everything later": "수능일, 모두 늦춰짐",
    # performance
    "Nothing can be told yet: {n} signals are followed, no trade has ended, and no session "
    "after a signal is over. The first figures come once {following}, the session after "
    "{settled}, is stored and settled (closebell run settle); those after {horizons} sessions "
    "come so many sessions after the signals.": (
        "아직 말할 수 있는 것이 없습니다: 신호 {n}개를 따라가고 있으나 끝난 거래도, 신호 뒤로 지난 "
        "거래일도 없습니다. {settled} 다음 거래일인 {following}이 저장되고 정산되면(closebell run "
        "settle) 첫 수치가 나오고, {horizons}거래일 뒤의 수치는 신호 뒤 그만큼 지나야 나옵니다."
    ),
    "{source} market, settled to {session}": "{source} 시장, {session}까지 정산",
    "{scanner}: trades": "{scanner}: 거래",
    "{scanner}: returns": "{scanner}: 수익률",
    "bought": "매수",
    "held": "보유",
    "trades": "거래",
    "hits": "승률",
    "95 %": "95 %",
    "expectancy": "기대값",
    "random": "임의 종목",
    "profit factor": "손익비",
    "sessions": "거래일",
    "mean": "평균",
    "median": "중앙값",
    "index": "지수",
    "after {n}": "{n}일 뒤",
    "{low} to {high}": "{low}~{high}",
    "all": "전체",
    "  grade {grade}": "  등급 {grade}",
    "  gate {gate}": "  게이트 {gate}",
    "unknown": "알 수 없음",
    " (small)": " (표본 적음)",
    "Percent. hits: earned their costs; 95 %: Wilson's interval of that many distinct trades.": (
        "단위 %. 승률: 비용보다 많이 번 거래; 95 %: 서로 다른 거래 수에 따른 윌슨 구간."
    ),
    "small: fewer than {n} distinct trades, which say nothing.": (
        "표본 적음: 서로 다른 거래가 {n}건보다 적어 아무것도 말해 주지 않습니다."
    ),
    "Of trades that ended: what is still held isn't in hits, expectancy and profit factor.": (
        "끝난 거래만: 아직 보유 중인 것은 승률, 기대값, 손익비에 들어가지 않습니다."
    ),
    "Costs: {commission} commission and {fee} fees a side, {ticks} tick slippage a side, "
    "the sale's tax of its session.": (
        "비용: 편도 수수료 {commission}, 제비용 {fee}, 편도 {ticks}호가 슬리피지, 매도일의 거래세."
    ),
    "random: the mean liquid stock bought and sold with each trade, at the same costs.": (
        "임의 종목: 같은 때에 같은 비용으로 사고판 유동성 있는 종목의 평균."
    ),
    "after N: close to close so many sessions after the signal; index: its market's meanwhile.": (
        "N일 뒤: 신호 뒤 그만큼의 거래일, 종가에서 종가까지; 지수: 그동안의 시장 지수."
    ),
    "A day trade of the close is only watched; those found in the session are traded.": (
        "종가에 나온 단타는 관찰만 하고, 장중에 나온 것을 거래로 셉니다."
    ),
    # doctor
    "what": "항목",
    "seen": "상태",
    "what to do": "할 일",
    "ok": "정상",
    "no": "문제",
    "settings": "설정",
    "rules": "규칙",
    "database": "데이터베이스",
    "real market": "실제 시장",
    "sample market": "샘플 시장",
    "real market: bars": "실제 시장: 시세",
    "real market: net buying": "실제 시장: 수급",
    "real market: index bars": "실제 시장: 지수",
    "real market: scans": "실제 시장: 스캔",
    "sample market: bars": "샘플 시장: 시세",
    "sample market: net buying": "샘플 시장: 수급",
    "sample market: index bars": "샘플 시장: 지수",
    "sample market: scans": "샘플 시장: 스캔",
    "api role": "API 역할",
    "alerts": "알림",
    "nothing stored": "저장된 것이 없음",
    "disk": "디스크",
    "timetable": "시간표",
    "planned runs": "예정된 실행",
    "database version": "데이터베이스 버전",
    "nothing is deployed": "배포된 것이 없음",
    "none is planned": "예정된 실행 없음",
    "none is online": "온라인인 것이 없음",
    "none yet": "아직 없음",
    "smart money, net buying and supply parts are missing": "수급 항목들이 빠짐",
    "the market gate is missing": "마켓 게이트가 빠짐",
    "no live market; imported files, KRX and the sample market work": (
        "실시간 시세 없음; 파일, KRX, 샘플 시장은 쓸 수 있음"
    ),
    "no official bars on the next morning; the others work": (
        "다음 날 아침 공식 시세 없음; 나머지는 쓸 수 있음"
    ),
    "the news part is missing; the others work": "뉴스 항목이 빠짐; 나머지는 쓸 수 있음",
    "no articles; DART's disclosures count without them": "기사 없음; DART 공시는 그대로 반영됨",
    "net buying": "순매수",
    "index bars": "지수",
    "import the newer sessions, then closebell run end-of-day": (
        "새 거래일을 import 한 뒤 closebell run end-of-day"
    ),
    "made by closebell in the embedded database": "내장 데이터베이스에 closebell이 만듦",
    # what reasons are made of
    "forming": "형성 중",
    "breakout": "돌파",
    "recent": "최근 돌파",
    "spent": "소진",
    "smart money": "스마트머니",
    "supply": "수급",
    "sector": "업종",
    "volume": "거래량",
    "news": "뉴스",
    "gate failed": "조건 미달",
    "gate unknown": "조건 미확인",
    "net buying isn't known for all sessions": "모든 거래일의 수급이 알려지지 않았음",
    "no news source is configured": "뉴스 자료원이 설정되지 않았음",
    "its news wasn't asked for": "이 종목의 뉴스는 묻지 않았음",
    "too little history": "이력이 짧음",
    "no sector, or too few members": "업종이 없거나 종목이 적음",
    "volume so far says nothing yet": "지금까지의 거래량으로는 알 수 없음",
    "the change of this or the last session isn't known": "이번 또는 직전 거래일의 등락을 모름",
    "the base price isn't known": "기준가를 모름",
    "no contraction pattern": "수축 패턴이 없음",
    "too few trend conditions": "추세 조건이 모자람",
    "traded value of 20 sessions too small": "20일 거래대금이 적음",
    "traded value of the session too small": "당일 거래대금이 적음",
    "not above the base price": "기준가 위가 아님",
    "target beyond the session's price limit": "목표가가 당일 가격제한폭을 넘음",
    "at the upper price limit, can't be bought": "상한가라 살 수 없음",
    "too few sessions of the indices or too few stocks": "지수의 거래일이나 종목 수가 모자람",
    "blocking news": "악재 공시",
    "designated as investment warning": "투자경고 지정",
    "breakout confirmed by volume": "거래량이 확인한 돌파",
    "extended: too far above the pivot, no levels": "피벗에서 너무 멀어 가격을 제시하지 않음",
    "target is beyond the session's price limit": "목표가가 당일 가격제한폭을 넘음",
    "close above the high of 20 sessions": "종가가 20일 고점 위",
    "close near the high of 20 sessions": "종가가 20일 고점 부근",
    "above the 5-session average": "5일선 위",
    "volatility contraction pattern": "변동성 수축 패턴",
    "rising from the low of ten sessions": "10일 저점에서 반등 중",
    "no capital left for it this session": "이 거래일에 배정할 자금이 남지 않음",
    # why stocks are left out
    "unknown_instrument": "미확인",
    "konex": "코넥스",
    "preferred": "우선주",
    "spac": "스팩",
    "reit": "리츠",
    "etf": "ETF",
    "etn": "ETN",
    "other": "기타",
    "administrative": "관리종목",
    "liquidation": "정리매매",
    "halted": "거래정지",
    "bad_prices": "시세 오류",
    "new_listing": "신규 상장",
    "short_history": "이력 부족",
    "caution": "투자주의환기",
    "single_price": "단기과열",
    "risk": "투자위험",
    "no_data": "자료 없음",
}

# The dashboard's words/reasons.js says the same of the scanners' reasons; a test compares them.
REASONS: Final[Sequence[tuple[str, str]]] = (
    (r"^(\d+) contractions?: (.+)$", "수축 {0}회: {1}"),
    (r"^(forming|breakout|recent|spent), pivot (\S+) won$", "{0}, 피벗 {1}원"),
    (
        r"^(\d+) of 8 trend conditions, relative strength (\S+)$",
        "추세 조건 8개 가운데 {0}개, 상대강도 {1}",
    ),
    (r"^volume dried up to (\S+) % of usual$", "거래량이 평소의 {0} %로 줄었음"),
    (
        r"^foreigners (\S+) %, institutions (\S+) % of five sessions' trade$",
        "5일 거래대금 대비 외국인 {0} %, 기관 {1} %",
    ),
    (
        r"^foreigners (\S+) %, institutions (\S+) % of a session's trade$",
        "하루 거래대금 대비 외국인 {0} %, 기관 {1} %",
    ),
    (r"^(smart money|net buying|supply|sector|volume|news) missing: (.+)$", "{0} 없음: {1}"),
    (r"^volume (\S+) times its 20-session mean$", "거래량이 20일 평균의 {0}배"),
    (r"^rebound: (\S+) % after (\S+) %$", "반등: {1} % 뒤 {0} %"),
    (
        r"^foreigners and institutions bought (-?[\d.]+) billion won in five sessions$",
        "외국인과 기관이 5일간 {0:billions} 순매수",
    ),
    (
        r"^(\d+) of (\d+) in its sector over five sessions$",
        "5일 수익률이 업종 {1}종목 가운데 {0}위",
    ),
    (r"^(-?[\d.]+) billion won traded$", "거래대금 {0:billions}"),
    (r"^(\d+) more good than bad news in a week$", "한 주 동안 호재가 악재보다 {0}건 많음"),
    (r"^(\S+) % of the high of the year$", "52주 고점의 {0} %"),
    (r"^rising candle, (\S+) %$", "양봉, {0} %"),
    (r"^(gate failed|gate unknown): (.+)$", "{0}: {1}"),
    (r"^fewer than (\d+) sessions of history$", "{0}거래일의 이력이 없음"),
)
SENTENCES: Final[Sequence[tuple[str, str]]] = (
    *REASONS,
    *words_ko_history.SENTENCES,
    # performance
    (
        r"^(\S+) to (\S+): too short to tell whether the data hold stocks that left the market",
        "{0}~{1}: 상장폐지된 종목이 자료에 있는지 알기에는 기간이 짧음",
    ),
    (
        r"^(\S+) to (\S+): (\d+) of (\d+) stocks in the data left the market",
        "{0}~{1}: 자료의 {3}종목 가운데 {2}종목이 시장을 떠남",
    ),
    (
        r"^(\S+) to (\S+): only (\d+) of (\d+) stocks in the data left the market",
        "{0}~{1}: 자료의 {3}종목 가운데 {2}종목만 시장을 떠남",
    ),
    (
        r"; of the real one 2 to 4 % leave a year, so the figures may be too good$",
        "; 실제 시장에서는 한 해 2~4%가 떠나므로 수치가 실제보다 좋을 수 있음",
    ),
    (
        r"^SURVIVORSHIP BIAS, (\S+) to (\S+): (\d+) of (\d+) stocks in the data left the market",
        "생존 편향, {0}~{1}: 자료의 {3}종목 가운데 {2}종목이 시장을 떠남",
    ),
    (r", and (\d+) known to have left are missing", ", 떠난 것으로 알려진 {0}종목이 빠져 있음"),
    (
        r"\. What failed is not in it, so the figures are too good$",
        ". 실패한 종목이 들어 있지 않아 수치가 실제보다 좋게 나옴",
    ),
    # holidays
    (r"^(.+); (The day .+|Children's Day|Alternative .+)$", "{0}; {1}"),
    (r"^Alternative holiday for (.+)$", "{0} 대체공휴일"),
    # doctor
    (r"^source (\w+)$", "자료원 {0}"),
    (r"^version (\S+), hash (\w+)$", "버전 {0}, 해시 {1}"),
    (r"^all at their defaults; ", "모두 기본값; "),
    (r" \(not there, not needed\)$", " (파일 없음, 없어도 됨)"),
    (r", no server running: each run starts its own$", ", 서버 없음: 실행할 때마다 시작"),
    (r", server at (\S+)$", ", 서버 {0}"),
    (r", server at (\S+) doesn't answer$", ", 서버 {0} 응답 없음"),
    (r"^not on schedule: (.+)$", "예약되지 않음: {0}"),
    (r"^(\d+) flows on schedule$", "플로 {0}개 예약됨"),
    (r"^(\d+) planned ahead$", "예정된 실행 {0}건"),
    (r"^(\d+) online$", "{0}개 온라인"),
    (r"^([\d,.]+) GB free at (.+)$", "{1}에 {0} GB 남음"),
    (r"^PostgreSQL (\S+); a newer one is here$", "PostgreSQL {0}, 더 새로운 버전이 있음"),
    (r"^to watch runs: ", "실행을 보려면: "),
    (r", tables of version (none yet|\S+)$", ", 테이블 버전 {0}"),
    (r", or your own files \(", " 또는 가진 파일 ("),
    (r"^(\S+) to (\S+) \(([\d,]+) stocks\), ", "{0}~{1} ({2}종목), "),
    (r"up to date$", "최신"),
    (r"(\d+) sessions behind (\S+)$", "{1}보다 {0}거래일 뒤처짐"),
    (r"^to (\d{4}-\d\d-\d\d)$", "{0}까지"),
    (r"^none stored: (.+)$", "저장된 것 없음: {0}"),
    (r"^import a file with (.+) \((.+)\)$", "{0} 파일을 import ({1})"),
    (r", may only read$", ", 읽기 전용"),
    (r"^(\d+) rules, (\d+) recipients; ", "규칙 {0}개, 수신처 {1}곳; "),
    (r"; not running; ", "; 실행 안 함; "),
    (r"; running; ", "; 실행 중; "),
    (r"; (\d+) waiting", "; 대기 {0}건"),
    (r", (\d+) failed$", ", 실패 {0}건"),
    (r"^degraded; ", "주의; "),
    (r"^ok; ", "정상; "),
    (r"; last success never", "; 마지막 성공 없음"),
    (r"; last success ", "; 마지막 성공 "),
    (r"; last failure ", "; 마지막 실패 "),
    (r"; ([\d,]+) calls, ([\d,]+) of them repeated", "; 호출 {0}회, 재시도 {1}회"),
    (r"; ([\d,]+) s of waiting for a place", "; 대기 {0}초"),
    (r"; breaker closed", "; 차단기 정상"),
    (r"; breaker open", "; 차단기 열림"),
    (r"; breaker half-open", "; 차단기 시험 중"),
    (r"^what needs it is missing until it answers; ", "응답할 때까지 그 항목이 빠짐; "),
    (r"^to send them: ", "보내려면: "),
    (r"^not configured: (.+)$", "설정되지 않음: {0}"),
    (r"^set (CLOSEBELL_\w+)(?: and (CLOSEBELL_\w+))?$", "설정: {0} {1}"),
    (r"^configured, not asked yet$", "설정됨, 아직 쓰지 않음"),
)
