/**
 * The scanners write their reasons in English (scanners/*_words.py); here they are in Korean.
 * A sentence nobody has translated yet is shown as it is.
 */

/** @type {[RegExp, string][]} */
const SENTENCES = [
  [/^(\d+) contractions?: (.+)$/, "수축 $1회: $2"],
  [/^(forming|breakout|recent|spent), pivot (\S+) won$/, "{state}, 피벗 $2원"],
  [/^breakout confirmed by volume$/, "거래량이 확인한 돌파"],
  [/^(\d+) of 8 trend conditions, relative strength (\S+)$/, "추세 조건 8개 가운데 $1개, 상대강도 $2"],
  [/^volume dried up to (\S+) % of usual$/, "거래량이 평소의 $1 %로 줄었음"],
  [/^foreigners (\S+) %, institutions (\S+) % of five sessions' trade$/, "5일 거래대금 대비 외국인 $1 %, 기관 $2 %"],
  [/^foreigners (\S+) %, institutions (\S+) % of a session's trade$/, "하루 거래대금 대비 외국인 $1 %, 기관 $2 %"],
  [/^(smart money|net buying|supply|sector|volume|news) missing: (.+)$/, "{part} 없음: {why}"],
  [/^extended: too far above the pivot, no levels$/, "피벗에서 너무 멀어 가격을 제시하지 않음"],
  [/^target is beyond the session's price limit$/, "목표가가 당일 가격제한폭을 넘음"],
  [/^volume (\S+) times its 20-session mean$/, "거래량이 20일 평균의 $1배"],
  [/^close above the high of 20 sessions$/, "종가가 20일 고점 위"],
  [/^close near the high of 20 sessions$/, "종가가 20일 고점 부근"],
  [/^above the 5-session average$/, "5일선 위"],
  [/^rebound: (\S+) % after (\S+) %$/, "반등: $2 % 뒤 $1 %"],
  [/^foreigners and institutions bought (-?[\d.]+) billion won in five sessions$/, "외국인과 기관이 5일간 {won} 순매수"],
  [/^(\d+) of (\d+) in its sector over five sessions$/, "5일 수익률이 업종 $2종목 가운데 $1위"],
  [/^(-?[\d.]+) billion won traded$/, "거래대금 {won}"],
  [/^(\d+) more good than bad news in a week$/, "한 주 동안 호재가 악재보다 $1건 많음"],
  [/^volatility contraction pattern$/, "변동성 수축 패턴"],
  [/^(\S+) % of the high of the year$/, "52주 고점의 $1 %"],
  [/^rising candle, (\S+) %$/, "양봉, $1 %"],
  [/^rising from the low of ten sessions$/, "10일 저점에서 반등 중"],
  [/^no capital left for it this session$/, "이 거래일에 배정할 자금이 남지 않음"],
  [/^gate (failed|unknown): (.+)$/, "{gate}: {why}"],
];

/** @type {Record<string, string>} */
const WORDS = {
  forming: "형성 중",
  breakout: "돌파",
  recent: "최근 돌파",
  spent: "소진",
  "smart money": "스마트머니",
  "net buying": "순매수",
  supply: "수급",
  sector: "업종",
  volume: "거래량",
  news: "뉴스",
  failed: "조건 미달",
  unknown: "조건 미확인",
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
  "blocking news": "악재 공시",
  "designated as investment warning": "투자경고 지정",
  "too few sessions of the indices or too few stocks": "지수의 거래일이나 종목 수가 모자람",
};

/**
 * A scanner's sentence in the page's language.
 * @param {string} text
 * @param {string} language
 */
export function reason(text, language) {
  if (language !== "ko") return text;
  for (const [pattern, korean] of SENTENCES) {
    const found = pattern.exec(text);
    if (found) return filled(korean, found);
  }
  const history = /^fewer than (\d+) sessions of history$/.exec(text);
  if (history) return `${history[1]}거래일의 이력이 없음`;
  return WORDS[text] ?? text;
}

/**
 * An amount of won in 조 and 억 (10^12 and 10^8), a smaller one in 만 (10^4).
 * @param {number} amount
 */
function inWon(amount) {
  const won = Math.round(Math.abs(amount));
  const sign = amount < 0 ? "-" : "";
  const say = (/** @type {number} */ n, /** @type {string} */ unit) =>
    n ? [`${n.toLocaleString("en-US")}${unit}`] : [];
  const parts = [...say(Math.floor(won / 1e12), "조"), ...say(Math.floor((won % 1e12) / 1e8), "억")];
  if (parts.length) return `${sign}${parts.join(" ")} 원`;
  return won >= 1e4 ? `${sign}${say(Math.floor(won / 1e4), "만")[0]} 원` : `${sign}${won}원`;
}

/** @param {string} korean @param {RegExpExecArray} found */
function filled(korean, found) {
  const why = found[2] ?? "";
  return korean
    .replace(/\{(state|part|gate)\}/, () => WORDS[found[1]] ?? found[1])
    .replace("{won}", () => inWon(Number(found[1]) * 1e9))
    .replace("{why}", () => reason(why, "ko"))
    .replace(/\$(\d)/g, (_, n) => found[Number(n)] ?? "");
}
