"""The sources by name: which of them tell of a session that is on."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from market.calendar import TradingCalendar
from market.clock import SEOUL, FixedClock
from settings import Settings
from sources.protocol import LiveSource
from tasks.sources import LIVE, open_source


@pytest.mark.parametrize("name", ["stored", "sample", "kiwoom", "krx", "replay"])
def test_those_called_live_are_those_that_tell_of_a_session_that_is_on(database, name):
    config = Settings(
        kiwoom_app_key="a",
        kiwoom_secret_key="b",
        krx_auth_key="c",
        replay_session=date(2026, 2, 4),
    )
    clock = FixedClock(datetime(2026, 2, 4, 10, 0, tzinfo=SEOUL))
    with open_source(name, config, TradingCalendar(), database, clock) as source:
        assert isinstance(source, LiveSource) == (name in LIVE)
