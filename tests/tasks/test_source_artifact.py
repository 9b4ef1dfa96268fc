"""What is noted of a source by whoever asks it."""

from __future__ import annotations

import pytest

from db import Database
from errors import BadMarketData
from tasks.source_artifact import noted


def test_a_source_is_as_its_last_use_left_it(database: Database) -> None:
    def asked(error: Exception | None = None) -> tuple[str, str | None]:
        if error:
            with pytest.raises(type(error)), noted(database, "kiwoom"):
                raise error
        else:
            with noted(database, "kiwoom"):
                pass
        with database.reader() as tx:
            report = tx.sources.get("kiwoom")
        assert report
        return report.state, report.last_error

    assert asked() == ("ok", None)
    assert asked(BadMarketData("half a market")) == ("degraded", "half a market")
    assert asked() == ("ok", "half a market")
    assert asked(TimeoutError("timed out after 200 s")) == ("degraded", "timed out after 200 s")
    assert asked() == ("ok", "timed out after 200 s")
    assert asked(ValueError("our own fault")) == ("ok", "timed out after 200 s")
