/**
 * The server tells in English what is to be known of figures (backtest/facts.py,
 * outcomes/survivorship.py); here it is in Korean. What isn't is shown as it is, marked as English.
 */

import { h } from "../lib/dom.js";
import { spoken } from "../lib/words.js";

/** @type {[RegExp, string][]} */
const SENTENCES = [
  [/^(\S+) to (\S+): too short to tell whether the data hold stocks that left the market$/,
    "$1~$2: 상장폐지된 종목이 자료에 있는지 알기에는 기간이 짧음"],
  [/^(\S+) to (\S+): too short to tell whether the data hold stocks that left the market, and (\d+) known to have left are missing$/,
    "$1~$2: 상장폐지된 종목이 자료에 있는지 알기에는 기간이 짧고, 떠난 것으로 알려진 $3종목이 빠져 있음"],
  [/^(\S+) to (\S+): (\d+) of (\d+) stocks in the data left the market$/,
    "$1~$2: 자료의 $4종목 가운데 $3종목이 시장을 떠남"],
  [/^(\S+) to (\S+): (\d+) of (\d+) stocks in the data left the market, and (\d+) known to have left are missing$/,
    "$1~$2: 자료의 $4종목 가운데 $3종목이 시장을 떠났고, 떠난 것으로 알려진 $5종목이 빠져 있음"],
  [/^(\S+) to (\S+): only (\d+) of (\d+) stocks in the data left the market; of the real one 2 to 4 % leave a year, so the figures may be too good$/,
    "$1~$2: 자료의 $4종목 가운데 $3종목만 시장을 떠남; 실제 시장에서는 한 해 2~4%가 떠나므로 수치가 실제보다 좋을 수 있음"],
  [/^(\S+) to (\S+): only (\d+) of (\d+) stocks in the data left the market, and (\d+) known to have left are missing; of the real one 2 to 4 % leave a year, so the figures may be too good$/,
    "$1~$2: 자료의 $4종목 가운데 $3종목만 시장을 떠났고, 떠난 것으로 알려진 $5종목이 빠져 있음; 실제 시장에서는 한 해 2~4%가 떠나므로 수치가 실제보다 좋을 수 있음"],
  [/^SURVIVORSHIP BIAS, (\S+) to (\S+): (\d+) of (\d+) stocks in the data left the market, and (\d+) known to have left are missing\. What failed is not in it, so the figures are too good$/,
    "생존 편향, $1~$2: 자료의 $4종목 가운데 $3종목이 시장을 떠났고, 떠난 것으로 알려진 $5종목이 빠져 있음. 실패한 종목이 없으므로 수치가 실제보다 좋음"],
  [/^SURVIVORSHIP BIAS, (\S+) to (\S+): (\d+) of (\d+) stocks in the data left the market\. What failed is not in it, so the figures are too good$/,
    "생존 편향, $1~$2: 자료의 $4종목 가운데 $3종목만 시장을 떠남. 실패한 종목이 없으므로 수치가 실제보다 좋음"],
  [/^each side (\S+) commission and fees and (\S+) tick of slippage; tax on sales (.+)$/,
    "편도 수수료와 제비용 $1, 슬리피지 $2호가; 거래세 {taxes}"],
  [/^a buy stop lay at each signal's entry for (\d+) sessions without binding cash$/,
    "신호마다 진입가에 매수 스톱 주문을 $1거래일 동안 두었고, 그동안 현금은 묶이지 않았음"],
  [/^signals of the close were bought in the next session's opening auction: history has no scans during the session, live they are only a watch list$/,
    "종가 신호를 다음 거래일 시가 단일가에 매수했음: 과거에는 장중 스캔이 없고, 실제로는 관찰 목록일 뿐임"],
  [/^signals of the close are only a watch list and never bought$/,
    "종가 신호는 관찰 목록일 뿐 매수하지 않음"],
  [/^the signal of the closing price was known in time for the closing auction itself; live it is made at 15:12 from the prices until then$/,
    "종가로 만든 신호를 종가 단일가 매매 전에 알았다고 보았음; 실제로는 15:12까지의 시세로 만듦"],
  [/^every order was filled at the price the daily bar allows, a stop at its own price unless the session opened beyond it: the order within a bar isn't known, and a bar that touched both stop and target counts as the stop$/,
    "모든 주문이 일봉이 허용하는 가격에 체결되었다고 보았음. 손절은 시가가 손절가를 넘지 않으면 손절가에 체결됨: 하루 안의 순서는 알 수 없어, 손절가와 목표가에 모두 닿은 날은 손절로 침"],
  [/^buying up to (\S+) of a session's volume and (\S+) of twenty sessions' mean value moved no price beyond the slippage$/,
    "하루 거래량의 $1, 20일 평균 거래대금의 $2까지는 슬리피지 이상으로 가격을 움직이지 않았다고 보았음"],
  [/^sales of any size were filled and moved no price beyond the slippage$/,
    "매도는 수량에 상관없이 체결되었고 슬리피지 이상으로 가격을 움직이지 않았다고 보았음"],
  [/^closing bets were sold at the next opening: history has no prices of 09:30$/,
    "종가베팅은 다음 날 시가에 팔았음: 과거에는 09:30 가격이 없음"],
  [/^a stock that left the market could be sold at the last close it was traded at, (\d+) sessions after its last bar, when its absence was known; in truth liquidation trading may have paid far less$/,
    "시장을 떠난 종목은 마지막 시세의 $1거래일 뒤, 떠난 것을 알 수 있게 된 날에 마지막으로 거래된 종가로 팔았다고 보았음; 실제 정리매매 가격은 훨씬 낮았을 수 있음"],
  [/^entries, targets and stops of signals before (\S+) lie on the finer ticks since then; slippage and price limits are those of the session$/,
    "$1 이전 신호의 진입가, 목표가, 손절가는 그 뒤의 더 촘촘한 호가 단위에 맞췄음; 슬리피지와 가격제한폭은 그날의 것임"],
  [/^when more signals filled in a session than the account may take, the best by score were the ones taken$/,
    "하루에 계좌 한도보다 많은 신호가 체결되면 점수가 높은 것부터 매수했다고 보았음"],
  [/^rights were sold at their theoretical value and put back into the share; fractions of a share were paid at the base price; cash dividends and interest are left out$/,
    "신주인수권은 이론가에 팔아 다시 넣었고, 단주는 기준가로 정산했음; 현금 배당과 이자는 빠져 있음"],
  [/^bars as they stand in the database now were known at their close: later corrections by the exchange are not undone$/,
    "지금 저장된 시세를 그날 종가에 알았다고 보았음: 이후의 거래소 정정은 되돌리지 않음"],
  [/^(\S+) of the bars were adjusted by their source: their prices and shares are not those traded, so ticks, limits and whole shares are approximate there$/,
    "시세의 $1는 자료원이 수정한 가격임: 거래된 가격과 주식 수가 아니므로 호가 단위, 가격제한폭, 주식 수가 어림값임"],
  [/^traded value is estimated as close x volume where the source gives none$/,
    "거래대금이 없는 곳은 종가 × 거래량으로 어림했음"],
  [/^net buying was known for (\S+) of the signals; elsewhere that part is missing$/,
    "수급은 신호의 $1에서만 알려져 있고, 나머지는 그 항목이 없음"],
  [/^(\d+) of (\d+) sales were of more than (\S+) of their session's volume$/,
    "매도 $2건 가운데 $1건이 그날 거래량의 $3를 넘음"],
  [/^no news: that part of closing_bet is missing, and blocking news stop nothing$/,
    "뉴스 없음: 종가베팅의 그 항목이 빠지고, 악재 공시로 막히는 일이 없음"],
];

/**
 * A sentence about figures in the page's language, else as it came.
 * @param {string} text
 * @returns {HTMLElement}
 */
export function fact(text) {
  if (spoken() !== "ko") return h("span", {}, text);
  for (const [pattern, korean] of SENTENCES) {
    const found = pattern.exec(text);
    if (!found) continue;
    const taxes = (found[3] ?? "").replace(/(\S+) from ([\d-]+)/g, "$2부터 $1");
    return h("span", {}, korean.replace("{taxes}", taxes).replace(/\$(\d)/g, (_, n) => found[Number(n)]));
  }
  return h("span", { lang: "en" }, text);
}
