/**
 * The shapes the API answers with (its OpenAPI document at /docs says more), and our own.
 *
 * @typedef {"vcp" | "daytrading" | "closing_bet"} Scanner
 * @typedef {"S" | "A" | "B" | "C"} Grade
 * @typedef {"new" | "upgraded" | "carried" | "downgraded"} Change
 * @typedef {"GREEN" | "YELLOW" | "RED"} Colour
 *
 * @typedef {object} Part
 * @property {number | null} points null: missing
 * @property {number} out_of
 * @property {string} [missing] why
 * @property {"passed" | "partial" | "failed" | "missing"} [status]
 *
 * @typedef {Part & Record<string, any>} DetailedPart
 * @typedef {Record<string, any>} Parts a DetailedPart each, but for `gates` and `pattern`
 *
 * @typedef {object} Signal
 * @property {number} id
 * @property {string} ticker
 * @property {string | null} name
 * @property {string | null} market
 * @property {Scanner} signal_type
 * @property {number} score
 * @property {number} out_of
 * @property {Grade} grade
 * @property {string} session
 * @property {string} as_of
 * @property {boolean} preliminary
 * @property {Change} change
 * @property {number | null} entry_price
 * @property {number | null} target_price
 * @property {number | null} stop_price
 * @property {string} status
 * @property {string[]} reasons
 * @property {Parts} parts
 * @property {string[]} flags
 * @property {number | null} market_cap
 * @property {number | null} value20
 * @property {string | null} net_buying_session
 * @property {string} created_at
 *
 * What became of a signal; percentages, null where there is nothing to tell yet.
 * @typedef {object} Outcome
 * @property {string} status
 * @property {string | null} filled_session
 * @property {number | null} filled_price
 * @property {string | null} closed_session
 * @property {number | null} closed_price
 * @property {number | null} net_return_pct after costs
 * @property {number | null} open_return_pct of a position still held
 * @property {number | null} return_1_pct
 * @property {number | null} return_5_pct
 * @property {number | null} return_20_pct
 *
 * @typedef {Signal & {outcome: Outcome | null}} FollowedSignal
 *
 * @typedef {{name: string, signal: "bullish" | "neutral" | "bearish", change_pct: number, score: number}} Sector
 *
 * @typedef {object} Gate
 * @property {Colour | null} status
 * @property {number | null} level
 * @property {Colour | null} kospi_status
 * @property {Colour | null} kosdaq_status
 * @property {number | null} kospi_close
 * @property {number | null} kospi_change_pct
 * @property {number | null} kosdaq_close
 * @property {number | null} kosdaq_change_pct
 * @property {Sector[]} sectors
 * @property {Record<string, Part>} parts
 * @property {string} session
 * @property {string} as_of
 * @property {string} updated_at
 *
 * @typedef {object} Timetable
 * @property {string} now
 * @property {boolean} open
 * @property {string} session
 * @property {string} opens_at
 * @property {string} closes_at
 * @property {string | null} note
 * @property {string} next_session
 * @property {string} next_opens_at
 * @property {string | null} closed_today
 * @property {{flow: string, at: string}[]} next
 * @property {string[]} sessions
 * @property {number | null} round_trip_pct commissions, fees and the tax of a sale
 * @property {number | null} slippage_ticks each side
 *
 * @typedef {{session: string, as_of: string, completed_at: string, age_seconds: number}} Done
 * @typedef {{session: null, as_of: null, completed_at: null, age_seconds: null}} NeverDone
 * @typedef {{sessions_behind: number, stale: boolean} & (Done | NeverDone)} LastScan
 *
 * @typedef {object} Health
 * @property {"healthy" | "degraded" | "unhealthy"} status
 * @property {string} timestamp
 * @property {string} version
 * @property {{last_scan: Record<string, LastScan>, sources: Record<string, SourceHealth>}} checks
 *
 * @typedef {object} SourceHealth
 * @property {"ok" | "degraded" | "not configured" | "not asked yet"} state
 * @property {string | null} missing the settings it needs
 * @property {string | null} collected_at null: no bars come from it
 * @property {string | null} last_success
 * @property {string | null} last_error
 * @property {"closed" | "open" | "half-open"} breaker
 *
 * @typedef {object} Scan
 * @property {number} id
 * @property {string} scanner
 * @property {string} session
 * @property {string} as_of
 * @property {boolean} preliminary
 * @property {string} status
 * @property {number} rows
 * @property {Record<string, number>} grades
 * @property {Record<string, number>} left_out
 * @property {string} rules_version
 * @property {string} rules_hash
 * @property {string} source
 * @property {string | null} reason
 * @property {number} seconds
 * @property {string | null} run_url
 * @property {string} created_at
 *
 * @typedef {object} StockFound
 * @property {string} ticker
 * @property {string} name
 * @property {string} market
 * @property {string | null} sector
 * @property {string} kind
 *
 * @typedef {object} Quote
 * @property {number | null} current_price
 * @property {number | null} price_change
 * @property {number | null} price_change_pct
 * @property {number | null} volume
 * @property {number | null} market_cap
 * @property {string | null} session of the price
 * @property {string | null} updated_at
 * @property {string[]} flags
 *
 * @typedef {StockFound & Quote} Stock
 *
 * @typedef {{date: string, open: number | null, high: number | null, low: number | null, close: number, volume: number}} Bar
 * @typedef {{date: string, foreign_net: number | null, inst_net: number | null, foreign_net_amount: number | null, inst_net_amount: number | null}} FlowPoint
 *
 * @typedef {object} Trade
 * @property {string} id
 * @property {string} ticker
 * @property {string} name
 * @property {Scanner | null} scanner
 * @property {string} session bought in
 * @property {number} price won
 * @property {number} shares
 * @property {number | null} stop won, the user's own
 * @property {string | null} exit the session a closing bet is sold in
 * @property {string} note
 *
 * @typedef {{ticker: string, name: string}} Watched
 */

/** @type {Scanner[]} */
export const SCANNERS = ["vcp", "daytrading", "closing_bet"];

/** @type {Grade[]} */
export const GRADES = ["S", "A", "B", "C"];
