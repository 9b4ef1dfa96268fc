"""[alerts] of closebell.toml: read, checked by name, never shown."""

from __future__ import annotations

from datetime import datetime

import pytest

import settings
from alerts.config import as_mapping, read_alerts
from alerts.rules import GateRule, GradeRule, PivotRule, ScanRule, SourceRule, parse_rule
from alerts.senders import make_senders
from errors import SettingsError
from market.clock import SEOUL, FixedClock
from settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = {"webhook": "https://example.org/very-private", "secret": SECRET}


def read(**alerts):
    return read_alerts(Settings(alerts=alerts))


@pytest.mark.parametrize(
    ("sentence", "rule"),
    [
        ("closing_bet grade A or better", GradeRule(("closing_bet",), "SA")),
        ("Any grade  B", GradeRule(("vcp", "daytrading", "closing_bet"), "B")),
        ("vcp grade s or better", GradeRule(("vcp",), "S")),
        ("gate changes colour", GateRule()),
        ("gate changes color", GateRule()),
        ("within 1 % of a pivot", PivotRule(1.0)),
        ("within 2.5% of a pivot", PivotRule(2.5)),
        ("a scan failed or is late", ScanRule()),
        ("a source is down", SourceRule()),
    ],
)
def test_rules_are_sentences(sentence, rule):
    assert parse_rule(sentence) == rule


def test_a_service_may_begin_with_a_digit():
    config = read(recipients={"phone": "46elks://user:password@+46700000000"})
    assert as_mapping(config)["recipients"] == [{"name": "phone", "kind": "46elks"}]


def test_the_file_gives_recipients_rules_and_quiet_hours(tmp_path, monkeypatch):
    file = tmp_path / "closebell.toml"
    file.write_text(
        f"""
        [alerts]
        language = "en"
        quiet_hours = "22:00-07:00"
        rules = ["gate changes colour", {{ when = "a source is down", to = ["desk"] }}]
        [alerts.recipients]
        phone = "tgram://123456789:abcdefghijklmnopqrstuvwxyz123456789/12315544"
        desk = {{ webhook = "https://example.org/very-private", secret = "{SECRET}" }}
        """
    )
    monkeypatch.setenv("CLOSEBELL_CONFIG", str(file))
    config = settings.load()
    alerts = read_alerts(config)
    assert as_mapping(alerts) == {
        "language": "en",
        "dashboard_url": "http://127.0.0.1:8000",
        "quiet_hours": "22:00-07:00",
        "recipients": [{"name": "phone", "kind": "tgram"}, {"name": "desk", "kind": "webhook"}],
        "rules": [
            {"when": "gate changes colour", "to": ["phone", "desk"]},
            {"when": "a source is down", "to": ["desk"]},
        ],
    }
    assert list(make_senders(alerts, FixedClock(datetime(2026, 1, 1, tzinfo=SEOUL)))) == [
        "phone",
        "desk",
    ]
    for shown in (repr(config), str(config), repr(alerts), config.model_dump_json()):
        assert "very-private" not in shown
        assert "abcdefgh" not in shown
        assert SECRET not in shown


def test_they_may_come_from_the_environment_as_json(monkeypatch):
    monkeypatch.setenv("CLOSEBELL_ALERTS", '{"recipients": {"a": "json://127.0.0.1/x"}}')
    assert list(read_alerts(settings.load()).recipients) == ["a"]


@pytest.mark.parametrize(
    ("alerts", "named"),
    [
        ({"rules": ["gate turns blue"], "recipients": {"a": HOOK}}, "alerts.rules.0.when"),
        ({"rules": ["gate changes colour"]}, "no recipients"),
        ({"recipients": {"a": HOOK | {"secret": "short"}}}, "alerts.recipients.a.signed.secret"),
        ({"recipients": {"a": HOOK | {"secret": "whsec_*"}}}, "alerts.recipients.a.signed.secret"),
        ({"recipients": {"a": HOOK | {"webhook": "ftp://very-private"}}}, "begins with https"),
        ({"recipients": {"a": "123456:very-private/42"}}, "alerts.recipients.a.apprise.url"),
        ({"recipients": {"a": "very-private@x://y"}}, "begins with what it is for"),
        ({"quiet_hours": "22:00"}, "alerts.quiet_hours"),
        ({"language": "fr"}, "alerts.language"),
        ({"langage": "ko"}, "alerts.langage"),
        (
            {
                "rules": [{"when": "gate changes colour", "to": ["b"]}],
                "recipients": {"a": HOOK},
            },
            "unknown b",
        ),
        (
            {
                "rules": ["gate changes colour", "Gate changes colour"],
                "recipients": {"a": HOOK},
            },
            "the same rule twice",
        ),
    ],
)
def test_what_is_wrong_is_named_and_secrets_are_not(alerts, named):
    with pytest.raises(SettingsError) as refused:
        read(**alerts)
    assert named in refused.value.detail
    assert "very-private" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_an_address_that_apprise_can_not_read_is_named_by_its_recipient():
    config = read(recipients={"phone": "nonsense://very-private"})
    with pytest.raises(SettingsError) as refused:
        make_senders(config, FixedClock(datetime(2026, 1, 1, tzinfo=SEOUL)))
    assert "alerts.recipients.phone" in refused.value.detail
    assert "very-private" not in refused.value.detail


@pytest.mark.parametrize(
    ("hours", "now", "over"),
    [
        ("22:00-07:00", (21, 59), None),
        ("22:00-07:00", (22, 0), (3, 7, 0)),
        ("22:00-07:00", (23, 59), (3, 7, 0)),
        ("22:00-07:00", (0, 30), (2, 7, 0)),
        ("22:00-07:00", (7, 0), None),
        ("12:00-13:00", (12, 30), (2, 13, 0)),
        ("12:00-13:00", (13, 0), None),
    ],
)
def test_quiet_hours_end_in_seouls_time(hours, now, over):
    config = read(quiet_hours=hours)
    moment = datetime(2026, 2, 2, *now, tzinfo=SEOUL)
    expected = None if over is None else datetime(2026, 2, *over, tzinfo=SEOUL)
    assert config.quiet_hours.over_at(moment) == expected
