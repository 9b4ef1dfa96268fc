"""Errors keep what they have to say."""

from __future__ import annotations

import pickle

from errors import RateLimited, SourceUnavailable


def test_an_error_survives_pickling_with_its_remedy() -> None:
    again = pickle.loads(pickle.dumps(RateLimited("too many calls", remedy="wait")))
    assert (type(again), again.detail, again.remedy) == (RateLimited, "too many calls", "wait")
    assert again.retryable
    assert isinstance(again, SourceUnavailable)
