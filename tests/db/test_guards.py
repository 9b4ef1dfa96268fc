"""Call rates, breakers and tokens hold for any number of callers, by the database's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from databases import emptied
from memory_guards import memory_guards
from sqlalchemy import text

from db.database import Database
from db.guards import StoredGuards
from sources.http.guards import Guards

LONG = 3600.0


@pytest.fixture(params=["stored", "memory", pytest.param("debian", marks=pytest.mark.system)])
def guards(request: pytest.FixtureRequest) -> Iterator[Guards]:
    """The real ones, on both servers, and other tests' stand-in, which must behave the same."""
    if request.param == "memory":
        yield memory_guards()
        return
    url = {"stored": "postgres_url", "debian": "debian_postgres_url"}[request.param]
    with emptied(request.getfixturevalue(url)) as database:
        stored = StoredGuards(database)
        yield Guards(stored, stored, stored)


@pytest.fixture
def stored(database: Database) -> StoredGuards:
    return StoredGuards(database)


def at_once(work: Callable[[int], Any], callers: int = 8) -> list[Any]:
    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(work, range(callers)))


def reserve(guards: Guards, name: str = "kiwoom ka20002", **how: Any) -> float | None:
    asked = {"per_second": 0.01, "burst": 1, "longest": LONG} | how
    return guards.limiter.reserve(name, **asked)


def hold(guards: Guards, seconds: float, burst: int = 1) -> None:
    guards.limiter.hold("kiwoom ka20002", seconds, per_second=0.01, burst=burst)


def test_places_are_given_out_one_step_apart(guards: Guards) -> None:
    waits = [reserve(guards) for _ in range(4)]
    assert waits == pytest.approx([0, 100, 200, 300], abs=5)


def test_callers_at_once_each_get_a_place_of_their_own(guards: Guards) -> None:
    waits = at_once(lambda _: reserve(guards))
    assert sorted(waits) == pytest.approx([100.0 * n for n in range(8)], abs=10)


def test_a_burst_starts_at_once(guards: Guards) -> None:
    waits = [reserve(guards, burst=3) for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 100, 200], abs=5)


def test_a_place_too_far_ahead_is_refused_and_not_taken(guards: Guards) -> None:
    assert [reserve(guards, longest=150) for _ in range(4)] == [
        0,
        pytest.approx(100, abs=5),
        None,
        None,
    ]
    assert reserve(guards) == pytest.approx(200, abs=5)


def test_other_names_have_places_of_their_own(guards: Guards) -> None:
    assert [reserve(guards, name) for name in ("a", "b")] == [0, 0]


def test_a_provider_that_wants_patience_holds_back_everyone(guards: Guards) -> None:
    reserve(guards)
    hold(guards, 500)
    assert reserve(guards) == pytest.approx(500, abs=5)


def test_no_burst_runs_ahead_of_a_hold(guards: Guards) -> None:
    reserve(guards, burst=3)
    hold(guards, 500, burst=3)
    waits = [reserve(guards, burst=3) for _ in range(3)]
    assert waits == pytest.approx([500, 600, 700], abs=5)


def test_places_not_before_a_moment_are_one_step_apart_from_it_on(guards: Guards) -> None:
    waits = [reserve(guards, not_before=250) for _ in range(3)]
    assert waits == pytest.approx([250, 350, 450], abs=5)
    assert reserve(guards) == pytest.approx(550, abs=5)


def test_a_moment_too_far_ahead_is_refused_as_a_place_is(guards: Guards) -> None:
    assert reserve(guards, not_before=250, longest=150) is None
    assert reserve(guards) == 0


def test_a_shorter_hold_moves_no_place_forward(guards: Guards) -> None:
    reserve(guards)
    hold(guards, 1)
    assert reserve(guards) == pytest.approx(100, abs=5)


def test_calls_retries_and_waiting_are_counted(stored: StoredGuards) -> None:
    for retry in (False, False, True):
        stored.reserve("kiwoom", per_second=0.01, burst=1, longest=LONG, retry=retry)
    stored.reserve("kiwoom", per_second=0.01, burst=1, longest=1)
    [counts] = stored.rates()
    assert (counts.name, counts.calls, counts.retries) == ("kiwoom", 3, 1)
    assert counts.waited == pytest.approx(300, abs=10)
    assert counts.last_call is not None


def fail(guards: Guards, permit: int, *, threshold: int = 3, cool_down: float = LONG) -> None:
    guards.breaker.failed(
        "kiwoom",
        permit,
        threshold=threshold,
        cool_down=cool_down,
        reason="kiwoom ka20002: HTTP 500",
    )


def enter(guards: Guards, probe_for: float = LONG) -> tuple[int, float]:
    return guards.breaker.enter("kiwoom", probe_for=probe_for)


def test_the_breaker_opens_at_the_threshold_in_a_row(guards: Guards) -> None:
    for _ in range(2):
        fail(guards, enter(guards)[0])
    guards.breaker.succeeded("kiwoom", enter(guards)[0])
    for _ in range(2):
        fail(guards, enter(guards)[0])
    assert enter(guards)[1] == 0
    fail(guards, enter(guards)[0])
    assert enter(guards) == (0, pytest.approx(LONG, abs=10))


def test_looking_whether_calls_are_refused_takes_no_probe(guards: Guards) -> None:
    assert guards.breaker.refuses("kiwoom") == 0
    permit = enter(guards)[0]
    fail(guards, permit, threshold=1, cool_down=500)
    assert guards.breaker.refuses("kiwoom") == pytest.approx(500, abs=10)


def test_after_the_cool_down_calls_are_refused_while_the_probe_is_out(guards: Guards) -> None:
    fail(guards, enter(guards)[0], threshold=1, cool_down=0)
    assert [guards.breaker.refuses("kiwoom") for _ in range(2)] == [0, 0]
    probe, _ = enter(guards)
    assert guards.breaker.refuses("kiwoom") == pytest.approx(LONG, abs=10)
    guards.breaker.succeeded("kiwoom", probe)
    assert guards.breaker.refuses("kiwoom") == 0


def test_exactly_one_of_many_is_the_probe(guards: Guards) -> None:
    fail(guards, enter(guards)[0], threshold=1, cool_down=0)
    entered = at_once(lambda _: enter(guards))
    assert [refused for _, refused in entered].count(0) == 1


def test_a_probe_that_succeeds_closes_and_one_that_fails_opens_again(guards: Guards) -> None:
    fail(guards, enter(guards)[0], threshold=1, cool_down=0)
    fail(guards, enter(guards)[0], threshold=100, cool_down=0)
    probe, _ = enter(guards)
    assert enter(guards)[1] > 0
    guards.breaker.succeeded("kiwoom", probe)
    assert [enter(guards)[1] for _ in range(3)] == [0, 0, 0]


def test_a_probe_that_never_reports_makes_room_for_another(guards: Guards) -> None:
    fail(guards, enter(guards)[0], threshold=1, cool_down=0)
    first, _ = enter(guards, probe_for=0)
    second, refused = enter(guards)
    assert refused == 0
    assert second != first


def test_a_call_from_before_the_breaker_opened_changes_nothing(guards: Guards) -> None:
    early, _ = enter(guards)
    fail(guards, enter(guards)[0], threshold=1)
    guards.breaker.succeeded("kiwoom", early)
    assert enter(guards)[1] > 0


def test_the_breaker_remembers_what_failed(stored: StoredGuards) -> None:
    permit, _ = stored.enter("kiwoom", probe_for=1)
    stored.succeeded("kiwoom", permit)
    stored.failed("kiwoom", permit, threshold=2, cool_down=9, reason="kiwoom ka10066: HTTP 503")
    [state] = stored.breakers()
    assert (state.failures, state.last_error) == (1, "kiwoom ka10066: HTTP 503")
    assert state.open_until is None
    assert state.last_success
    assert state.last_failure


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def claim(guards: Guards, *, rejected: int | None = None, lease: float = LONG) -> int | None:
    return guards.tokens.claim("key", ahead=600, rejected=rejected, lease=lease)


def issue(guards: Guards, token: str, hours: float = 24) -> None:
    right = claim(guards)
    assert right is not None
    assert guards.tokens.store("key", right, token, in_hours(hours))


def test_one_of_many_may_issue_a_token(guards: Guards) -> None:
    rights = at_once(lambda _: claim(guards))
    assert len([right for right in rights if right is not None]) == 1


def test_nobody_may_issue_while_a_token_lives(guards: Guards) -> None:
    issue(guards, "first")
    assert guards.tokens.read("key", ahead=600) == ("first", 1)
    assert claim(guards) is None


def test_a_token_near_its_end_is_replaced_while_it_still_serves(guards: Guards) -> None:
    right = claim(guards)
    assert right is not None
    guards.tokens.store("key", right, "short", in_hours(0))
    assert guards.tokens.read("key", ahead=600) is None
    issue(guards, "next")
    assert guards.tokens.read("key", ahead=600) == ("next", 2)


def test_a_token_issued_with_little_left_is_not_asked_for_again_at_once(guards: Guards) -> None:
    issue(guards, "the old one again", hours=0.1)
    assert guards.tokens.read("key", ahead=600) == ("the old one again", 1)
    assert claim(guards) is None


def test_a_refused_token_may_be_replaced_by_one(guards: Guards) -> None:
    issue(guards, "first")
    rights = at_once(lambda _: claim(guards, rejected=1))
    assert len([right for right in rights if right is not None]) == 1
    assert claim(guards, rejected=0) is None


def test_a_right_handed_back_or_run_out_goes_to_another(guards: Guards) -> None:
    right = claim(guards)
    assert right is not None
    guards.tokens.give_up("key", right)
    late = claim(guards, lease=0)
    assert late is not None
    again = claim(guards)
    assert again is not None
    assert not guards.tokens.store("key", late, "too late", in_hours(24))
    assert guards.tokens.store("key", again, "in time", in_hours(24))
    assert guards.tokens.read("key", ahead=600) == ("in time", 1)


def test_each_change_is_one_statement(stored: StoredGuards, database: Database) -> None:
    """Nothing is held between statements: a caller that dies leaves no lock behind."""
    stored.reserve("kiwoom", per_second=1, burst=1, longest=LONG)
    stored.enter("kiwoom", probe_for=1)
    with database.connection() as connection:
        held = text("SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock'")
        assert connection.scalar(held) == 0
