"""Whom alerts are sent to, and who sends them."""

from __future__ import annotations

import pytest
from alert_desks import make_desk
from alert_receivers import receiving

from tasks.alerts import judge_events


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running


@pytest.fixture
def desk(database, receiver):
    """One recipient, all rules; its reading of events has begun."""
    made = make_desk(database, receiver)
    judge_events(made)
    return made
