"""The terminal in Korean, continued: importing, backtests and sweeps, and everything at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cli.words_ko_facts import FACTS

WORDS: Final[Mapping[str, str]] = {
    # import
    "{files} files: {rows_read} rows read, {rows_stored} stored, "
    "{rows_unchanged} unchanged, {rows_rejected} rejected": (
        "파일 {files}개: {rows_read}행 읽음, {rows_stored}행 저장, "
        "{rows_unchanged}행 그대로, {rows_rejected}행 거부"
    ),
    "rejected {n}: {why}": "거부 {n}행: {why}",
    "not kept {n}: {why}": "저장하지 않음 {n}행: {why}",
    "skipped {file}: {why}": "건너뜀 {file}: {why}",
    "intraday snapshots are replayed (source replay), not imported": (
        "장중 스냅숏은 가져오지 않고 재생합니다 (source replay)"
    ),
    "a list of sessions isn't imported; the trading calendar is built in": (
        "거래일 목록은 가져오지 않습니다. 거래일 달력은 내장되어 있습니다"
    ),
    "Next: closebell run end-of-day, or closebell backfill --from … --to …": (
        "다음: closebell run end-of-day 또는 closebell backfill --from … --to …"
    ),
    "Next: closebell run end-of-day": "다음: closebell run end-of-day",
    "{n} from {source}": "{source}에서 {n}거래일",
    "nothing was missing": "빠진 것이 없음",
    "{first} to {last}: {told}": "{first}~{last}: {told}",
    "net buying of {n} stocks near a signal": "신호에 가까운 {n}종목의 수급",
    "still missing {n} sessions, from {first} on": "아직 빠진 {n}거래일, {first}부터",
    "unknown code shape": "알 수 없는 형태의 코드",
    "unreadable date": "읽을 수 없는 날짜",
    "not a session": "거래일이 아님",
    "unknown market": "알 수 없는 시장",
    "unknown index": "알 수 없는 지수",
    "unreadable time of publication": "읽을 수 없는 공표 시각",
    "a session not over yet": "아직 끝나지 않은 거래일",
    "unreadable number": "읽을 수 없는 숫자",
    "null close": "종가 없음",
    "null open": "시가 없음",
    "null high": "고가 없음",
    "null low": "저가 없음",
    "null volume": "거래량 없음",
    "close below 1": "종가가 1원 미만",
    "negative open": "시가가 음수",
    "negative high": "고가가 음수",
    "negative low": "저가가 음수",
    "negative volume": "거래량이 음수",
    "negative value": "거래대금이 음수",
    "base price below 1": "기준가가 1원 미만",
    "listed shares below 1": "상장주식수가 1주 미만",
    "negative market value": "시가총액이 음수",
    "fractional price or amount": "소수인 가격이나 수량",
    "prices out of order": "고가와 저가의 순서가 맞지 않음",
    "no figures": "수치 없음",
    "duplicate": "중복",
    "no valid row": "쓸 수 없는 행",
    "not a share's code, or no name": "주식 코드가 아니거나 이름이 없음",
    "an earlier row of the same code": "같은 코드의 앞선 행",
    # backtests
    "backtest {id}: {scanner}, {first} to {last}, {capital} won, {source} market, {changes}": (
        "백테스트 {id}: {scanner}, {first}~{last}, {capital}원, {source} 시장, {changes}"
    ),
    "default rules": "기본 규칙",
    "survivorship: {told}": "생존 편향: {told}",
    "survivorship of {ids}: {told}": "생존 편향({ids}번): {told}",
    "survivorship: stocks that left the market are in the data of all": (
        "생존 편향: 모두 시장을 떠난 종목이 자료에 들어 있음"
    ),
    "trials so far: {count}; the best of many looks good by luck": (
        "지금까지의 시도: {count}; 많이 시도하면 가장 나은 것은 운만으로도 좋아 보임"
    ),
    "trials of this scanner so far: {n}": "이 스캐너의 지금까지 시도: {n}",
    "costs: {told}": "비용: {told}",
    "what would have to be true:": "이랬어야 이루어질 수 있음:",
    "account": "계좌",
    "all stocks, equal weights": "전 종목 동일 비중",
    "return": "수익률",
    "a year": "연환산",
    "deepest fall": "최대 낙폭",
    "volatility {volatility} · Sharpe {sharpe} · Sortino {sortino} · "
    "exposure {exposure} · turnover {turnover} a year": (
        "변동성 {volatility} · 샤프 {sharpe} · 소르티노 {sortino} · "
        "투자 비중 {exposure} · 연 회전율 {turnover}"
    ),
    "{trades} trades closed, {open} open · hit rate {hits} · "
    "profit factor {factor} · mean trade {mean} · costs {costs} won": (
        "청산 {trades}건, 보유 {open}건 · 승률 {hits} · "
        "손익비 {factor} · 거래 평균 {mean} · 비용 {costs}원"
    ),
    "{signals} signals, {filled} filled; not bought: {passed}": (
        "신호 {signals}개, 체결 {filled}건; 사지 않음: {passed}"
    ),
    "the newest of {n} trades:": "거래 {n}건 가운데 최근:",
    "{seconds} s. Next: closebell backtest export {id} --format html": (
        "{seconds}초. 다음: closebell backtest export {id} --format html"
    ),
    "price": "가격",
    "shares": "주식 수",
    "sold": "매도",
    "at": "매도가",
    "ended by": "종료",
    "stop and target": "손절(목표가에도 닿음)",
    "opened beyond stop": "시가가 손절가를 넘음",
    "opened beyond target": "시가가 목표가를 넘음",
    "next open": "다음 시가",
    "next 0930": "다음 날 09:30",
    "next close": "다음 종가",
    "session close": "당일 종가",
    "time limit": "기한",
    "delisted": "상장폐지",
    "open": "보유 중",
    "held already": "이미 보유",
    "no capital is meant for it": "배정할 자금 없음",
    "positions of the session used up": "당일 한도 소진",
    "as many positions as may be held": "보유 한도 소진",
    "exposure used up": "투자 비중 한도 소진",
    "a share costs more than a position may": "한 주가 한도보다 비쌈",
    "traded too little": "거래가 너무 적음",
    "volume of the session too small": "당일 거래량이 적음",
    "no cash left": "현금 없음",
    "Nothing was tried on the {market} market yet. Try: closebell backtest vcp": (
        "{market} 시장에서 시도한 것이 없습니다. 이렇게 하십시오: closebell backtest vcp"
    ),
    "from": "부터",
    "to": "까지",
    "market": "시장",
    "trials": "시도",
    "changes": "바꾼 규칙",
    "chosen": "선택",
    "nothing was chosen differently": "다르게 선택한 것이 없음",
    "figure": "수치",
    "difference": "차이",
    "total return": "총수익률",
    "cagr": "연환산 수익률",
    "volatility": "변동성",
    "sharpe": "샤프",
    "sortino": "소르티노",
    "max drawdown": "최대 낙폭",
    "drawdown sessions": "낙폭 거래일",
    "exposure": "투자 비중",
    "turnover": "연 회전율",
    "open trades": "보유 중인 거래",
    "hit rate": "승률",
    "average return": "거래 평균",
    "median return": "거래 중앙값",
    "average sessions": "평균 보유 거래일",
    "costs": "비용",
    "profit": "이익",
    "kospi return": "KOSPI 수익률",
    "kospi cagr": "KOSPI 연환산",
    "kospi max drawdown": "KOSPI 최대 낙폭",
    "universe return": "전 종목 수익률",
    "universe cagr": "전 종목 연환산",
    "universe max drawdown": "전 종목 최대 낙폭",
    # sweeps
    "went on with a sweep that had {n} trials done": "{n}번 시도한 스윕을 이어서 했음",
    "trial": "시도",
    "the best of {n} trials by their Sharpe ratio:": "시도 {n}번 가운데 샤프 비율이 높은 것:",
    "sweep {id}; the same command again shows it without trying anything anew": (
        "스윕 {id}; 같은 명령을 다시 하면 새로 시도하지 않고 보여 줍니다"
    ),
    "chosen on": "고른 기간",
    "Sharpe then": "그때 샤프",
    "tried on": "시험한 기간",
    "Sharpe": "샤프",
    "none, too few trades": "없음, 거래가 너무 적음",
    "walked forward:": "앞으로 옮겨 가며:",
    "all tests together: return {total}, a year {cagr}, Sharpe {sharpe}, deepest fall {fall}": (
        "시험 기간 모두: 수익률 {total}, 연환산 {cagr}, 샤프 {sharpe}, 최대 낙폭 {fall}"
    ),
    # up
    "logs: {folder}": "로그: {folder}",
    "part": "구성",
    "  (started {n} times)": "  ({n}번 시작)",
    "waiting": "대기",
    "starting": "시작하는 중",
    "running": "실행 중",
    "starts again": "다시 시작",
    "done": "끝",
    "stopped": "멈춤",
    "api": "API",
    "deployments": "배포",
    "worker": "워커",
    "stream": "실시간",
    "runs the timetable": "시간표대로 실행",
    "live prices": "실시간 시세",
    "tells of events": "소식을 알림",
}
SENTENCES: Final[Sequence[tuple[str, str]]] = (
    *FACTS,
    # import
    (r"^reading (\S+)$", "{0} 읽는 중"),
    (
        r"^(\S+): ([\d,]+) rows, ([\d,]+) stored, ([\d,]+) rejected$",
        "{0}: {1}행, {2}행 저장, {3}행 거부",
    ),
    (r"^(\S+) is stored$", "{0} 저장함"),
    (
        r"^(\w+): (\d+) of (\d+) sessions are missing$",
        "{0}: {2}거래일 가운데 {1}거래일이 빠져 있음",
    ),
    (r"^(\w+): (\d+) of (\d+) sessions$", "{0}: {2}거래일 가운데 {1}거래일"),
    (
        r"^net buying: (\d+) of (\d+) stocks near a signal$",
        "수급: 신호에 가까운 {1}종목 가운데 {0}종목",
    ),
    (r"^(\w+) isn't configured$", "{0} 설정되지 않음"),
    (r"^net buying is missing: ", "수급이 빠짐: "),
    (r"^index (\w+) is KOSPI's twin$", "지수 {0}는 KOSPI와 같음"),
    (r"^before (\S+), where the calendar begins$", "달력이 시작하는 {0} 이전"),
    # settle, and why a flow did nothing
    (r"^nothing is known of the net buying of (\S+) yet$", "{0}의 수급이 아직 알려지지 않음"),
    (
        r"^(\S+) had not been scanned at its close and was now$",
        "{0} 종가 스캔이 빠져 있어 지금 했음",
    ),
    (
        r"^(\S+) had not been scanned at its close, which is left to the official bars$",
        "{0} 종가 스캔이 빠져 있음, 거래소 공식 시세가 나오면 함",
    ),
    (
        r"^([\d,]+) of ([\d,]+) closes of (\S+) are this morning's last closes",
        "{2} 종가 {1}개 가운데 {0}개가 오늘 아침의 전일 종가와 같음",
    ),
    (
        r"^this morning's last closes aren't those of (\S+): ([\d,]+) agree$",
        "오늘 아침의 전일 종가가 {0} 종가와 다름: {1}개만 같음",
    ),
    (r"^no quote of (.+)$", "시세가 없는 종목: {0}"),
    (r"^the net buying of (.+) can't be read$", "수급을 읽을 수 없는 종목: {0}"),
    (r"^the auction of (\S+) is over$", "{0} 동시호가가 끝남"),
    (r"^(\S+) had not been settled and was now$", "{0} 정산이 빠져 있어 지금 했음"),
    (r"^(\S+) of (\S+) isn't due before (\S+)$", "{1}의 {0}: {2} 이후에 할 일"),
    (r"^(\S+) is no session: (.+)$", "{0}: 거래일이 아님 ({1})"),
    (
        r"^(\d+) signals followed, (\d+) changed their status$",
        "신호 {0}개를 따라감, {1}개의 상태가 바뀜",
    ),
    (r"^net buying of (\d+) stocks, preliminary$", "{0}종목의 수급, 잠정"),
    (r"^net buying of (\d+) stocks$", "{0}종목의 수급"),
    # backtests and sweeps
    (r"^reading the market from (\S+) to (\S+)$", "{0}~{1} 시장을 읽는 중"),
    (r"^scanning and trading (\S+) to (\S+)$", "{0}~{1} 스캔하고 거래하는 중"),
    (r"^reading the market; ([\d,]+) trials$", "시장을 읽는 중; 시도 {0}번"),
    (r"^([\d,]+) of ([\d,]+) trials done$", "시도 {1}번 가운데 {0}번 끝남"),
    (
        r"^warning: (\S+) trials were made, and none had enough trades to be judged$",
        "주의: {0}번 시도했으나 판단할 만큼 거래가 있는 것이 없음",
    ),
    (r"^warning: (\S+) trials were made with this scanner", "주의: 이 스캐너로 {0}번 시도했음"),
    (r"; too few to tell luck from skill$", "; 운과 실력을 가리기에는 너무 적음"),
    (
        r": the best of so many useless ones is expected to show a Sharpe ratio of (\S+), this one "
        r"shows (\S+); probability that it is more than luck \(deflated Sharpe ratio\): (.+)$",
        ": 쓸모없는 규칙도 이만큼 시도하면 가장 나은 것의 샤프 비율이 {0}쯤 되고, 이것은 {1}; "
        "운 이상일 확률(디플레이티드 샤프 비율): {2}",
    ),
    (r"^can't be told: fewer than (\d+) trades$", "알 수 없음: 거래 {0}건 미만"),
    (r"^can't be told: fewer than (\d+) sessions$", "알 수 없음: {0}거래일 미만"),
    (r"^can't be told: the returns are too skewed$", "알 수 없음: 수익률이 너무 치우침"),
    # up
    (r"^(\S+) \(dashboard, API, /ws, /docs\)$", "{0} (대시보드, API, /ws, /docs)"),
    (r"^(\S+) \(runs, schedules\)$", "{0} (실행, 일정)"),
    (
        r"^ended by signal (\d+): (.+); again in (\d+) s$",
        "시그널 {0}로 끝남: {1}; {2}초 뒤 다시",
    ),
    (
        r"^ended with exit code (\d+): (.+); again in (\d+) s$",
        "종료 코드 {0}로 끝남: {1}; {2}초 뒤 다시",
    ),
    (r"^nothing was printed$", "출력이 없음"),
    # the database
    (
        r"^another closebell is starting or stopping the database, waiting…$",
        "다른 closebell이 데이터베이스를 시작하거나 멈추는 중, 기다림…",
    ),
    (
        r"^the database is starting or stopping, waiting…$",
        "데이터베이스가 시작하거나 멈추는 중, 기다림…",
    ),
    (r"^the database is recovering from a crash, waiting…$", "데이터베이스를 복구하는 중, 기다림…"),
    (
        r"^the database isn't ready yet, waiting… \((\d+) s\)$",
        "데이터베이스가 아직 준비되지 않음, 기다림… ({0}초)",
    ),
)
