"""Tokens die, and others use the same keys: one re-issue, one repeat, never a storm."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_kiwoom import FakeKiwoom
from fake_kiwoom_market import make_market
from kiwoom_sources import SESSION, client_of, source_of
from memory_guards import MemoryTokens, memory_guards

from errors import SourceNotConfigured, SourceUnavailable
from sources.kiwoom.client import Access


@pytest.fixture(scope="module")
def market() -> Any:
    return make_market(SESSION, kospi=230, kosdaq=120, funds=20)


@pytest.fixture
def fake(market: Any) -> Iterator[FakeKiwoom]:
    with FakeKiwoom(market, speed=200, same_token=False) as running:
        yield running


def kill_at(fake: FakeKiwoom, tr: str, after: int, times: int = 1) -> None:
    """Let the server end all tokens while it answers that call."""
    fake.break_(tr, "change", after=after, times=times, change=lambda _: fake.kill_tokens())


def test_a_token_is_issued_once_for_many_calls(fake: FakeKiwoom) -> None:
    with client_of(fake) as client:
        source_of(client).sweep(SESSION)
        source_of(client).sweep(SESSION)
    assert len(fake.of("au10001")) == 1


def test_a_token_dying_in_a_sweep_is_replaced_and_the_page_asked_for_again(
    fake: FakeKiwoom,
) -> None:
    kill_at(fake, "ka20002", after=1)
    with client_of(fake) as client:
        assert source_of(client).sweep(SESSION).data.bars.height == 350
    assert len(fake.of("au10001")) == 2
    assert [call.token for call in fake.of("ka20002")] == [
        "token-1",
        "token-1",
        "token-1",
        "token-2",
        "token-2",
        "token-2",
    ]


def test_a_token_dead_for_good_ends_in_an_error_not_in_a_storm(fake: FakeKiwoom) -> None:
    with client_of(fake) as client:
        source = source_of(client)
        source.quotes_of(["000010"])
        fake.break_(
            "ka10095", "code", times=99, seconds=3, header="[8005:Token이 유효하지 않습니다]"
        )
        with pytest.raises(SourceUnavailable, match="a new token was refused like the one before"):
            source.quotes_of(["000010"])
    assert len(fake.of("au10001")) == 2
    assert len(fake.of("ka10095")) == 3


@pytest.mark.parametrize("message", ["[8005:x]", "CODE=8005", "[8031:x]", "[8103:x]"])
def test_every_way_of_saying_it_is_understood(fake: FakeKiwoom, message: str) -> None:
    fake.break_("ka10095", "code", seconds=3, header=message)
    with client_of(fake) as client:
        assert list(source_of(client).quotes_of(["000010"])) == ["000010"]
    assert len(fake.of("au10001")) == 2


def test_http_401_is_a_dead_token_too(fake: FakeKiwoom) -> None:
    fake.break_("ka10095", "status", seconds=401)
    with client_of(fake) as client:
        assert list(source_of(client).quotes_of(["000010"])) == ["000010"]
    assert len(fake.of("au10001")) == 2


def test_another_program_that_takes_a_token_ends_ours_once(fake: FakeKiwoom) -> None:
    with client_of(fake) as client:
        source = source_of(client)
        source.quotes_of(["000010"])
        assert fake.issue() == "token-2"  # theirs; ours is dead now
        assert list(source.quotes_of(["000010"])) == ["000010"]
        assert list(source.quotes_of(["000010"])) == ["000010"]
    assert [call.token for call in fake.of("ka10095")] == [
        "token-1",
        "token-1",
        "token-3",
        "token-3",
    ]


def test_many_callers_whose_token_died_replace_it_once(fake: FakeKiwoom) -> None:
    guards = memory_guards()
    with client_of(fake, guards) as client:
        source_of(client).quotes_of(["000010"])
    fake.kill_tokens()

    def ask(_: int) -> list[str]:
        with client_of(fake, guards) as client:
            return list(source_of(client).quotes_of(["000010"]))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [["000010"]] * 6
    assert len(fake.of("au10001")) == 2


def test_the_same_token_given_again_near_its_end_is_not_asked_for_at_every_call(
    fake: FakeKiwoom,
) -> None:
    fake.same_token = True
    fake.token_hours = 0.05  # three minutes, less than the ten we renew ahead
    with client_of(fake) as client:
        for _ in range(5):
            source_of(client).quotes_of(["000010"])
    assert len(fake.of("au10001")) == 1


def test_a_token_that_has_ended_when_it_comes_names_the_clock(fake: FakeKiwoom) -> None:
    fake.token_hours = -1
    with client_of(fake) as client, pytest.raises(SourceUnavailable, match="already ended") as e:
        source_of(client).quotes_of(["000010"])
    assert "clock" in str(e.value.remedy)
    assert len(fake.of("au10001")) == 1


def test_wrong_keys_are_not_tried_again(fake: FakeKiwoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_kiwoom.SECRET_KEY", "another")
    with client_of(fake) as client, pytest.raises(SourceNotConfigured, match="kiwoom au10001") as e:
        source_of(client).quotes_of(["000010"])
    assert "CLOSEBELL_KIWOOM_SECRET_KEY" in str(e.value.remedy)
    assert len(fake.of("au10001")) == 1


def test_a_failing_issue_leaves_the_right_to_others(fake: FakeKiwoom) -> None:
    fake.break_("au10001", "status", times=2, seconds=500)
    guards = memory_guards()
    with client_of(fake, guards, attempts=2) as client, pytest.raises(SourceUnavailable):
        source_of(client).quotes_of(["000010"])
    assert isinstance(guards.tokens, MemoryTokens)
    assert [kept.claimed_until for kept in guards.tokens.kept.values()] == [0.0]
    with client_of(fake, guards) as client:
        assert list(source_of(client).quotes_of(["000010"])) == ["000010"]


def test_the_store_holds_no_token_in_plain_text(fake: FakeKiwoom) -> None:
    guards = memory_guards()
    with client_of(fake, guards) as client:
        source_of(client).quotes_of(["000010"])
    assert isinstance(guards.tokens, MemoryTokens)
    [kept] = guards.tokens.kept.values()
    assert kept.token
    assert "token-1" not in kept.token


def test_a_revoked_token_serves_nobody(fake: FakeKiwoom) -> None:
    with client_of(fake) as client:
        source_of(client).quotes_of(["000010"])
        client.revoke()
    assert fake.tokens == set()


def test_keys_and_tokens_dont_show_in_representations() -> None:
    access = Access("https://api.kiwoom.com", "the-app-key", "the-secret-key")
    assert "the-" not in repr(access)
