"""`closebell doctor --live`: what the sources really do today."""

from __future__ import annotations

from dataclasses import asdict

from cli.checks import Check, show_checks
from cli.common import load_settings, print_json, working
from cli.words import words_of
from flows.home import prepare
from market.calendar import TradingCalendar
from market.clock import SystemClock
from tasks.markets import open_market


def show_live(*, as_json: bool) -> bool:
    """Measure and print; whether every answer was as expected, or couldn't be had now."""
    config = load_settings()
    prepare(config.data_dir)
    from tasks.live import measure  # brings Prefect, which must find its home

    calendar = TradingCalendar(config.extra_holidays)
    found = []
    with working(quiet=as_json) as say, open_market(config, "stored", say) as (db, _):
        for finding in measure(config, calendar, db, SystemClock()):
            say(f"{finding.source}: {finding.question}")
            found.append(finding)
    well = all(finding.as_expected is not False for finding in found)
    if as_json:
        print_json({"ok": well, "findings": [asdict(finding) for finding in found]})
    else:
        checks = [
            Check(
                f"{one.source}: {one.question}",
                one.as_expected is not False,
                one.found,
                one.change,
            )
            for one in found
        ]
        show_checks(checks, words_of(config.language))
    return well
