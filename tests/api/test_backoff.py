"""A notifier that can't listen tries again ever more slowly, but never too slowly."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from api_market import publish_everything
from api_server import serving
from databases import emptied

from api import notifier
from errors import DatabaseUnavailable

TRIES = 12


class Enough(BaseException):
    """Ends the attempts."""


def test_pauses_double_up_to_a_cap_and_begin_anew_after_a_success(postgres_url, monkeypatch):
    bounds: list[tuple[float, float]] = []

    async def wakes() -> AsyncGenerator[None, None]:
        if len(bounds) != TRIES:
            raise DatabaseUnavailable("nobody there")
        yield  # once it listens, and is cut off at once

    with emptied(postgres_url) as database:
        publish_everything(database)
        with serving(database) as served:
            tested = served.services.notifier

            def pause(shortest: float, longest: float) -> float:
                assert not tested.listening
                bounds.append((shortest, longest))
                if len(bounds) == TRIES + 3:
                    raise Enough
                return 0.0

            async def attempts() -> None:
                with pytest.raises(Enough):
                    await tested.run()

            monkeypatch.setattr(tested, "_wakes", wakes)
            monkeypatch.setattr(notifier.random, "uniform", pause)
            served.run(attempts())
            monkeypatch.undo()
    longest = [high for _, high in bounds]
    assert longest[:6] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4]
    assert longest[6:TRIES] == [12.8, *[notifier.LONGEST_DELAY] * (TRIES - 7)]
    assert longest[TRIES:] == [0.2, 0.4, 0.8]
    assert all(low == high / 2 for low, high in bounds)
