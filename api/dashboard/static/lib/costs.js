/** What buying and selling again costs, in percent: the sell tax and both sides' commission and fees.
 * outcomes/rules.py has the sources: tax 0.20, commission 2 × 0.015, exchange 2 × 0.0036. */
export const ROUND_TRIP = "0.24";
