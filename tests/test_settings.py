"""Settings: where they come from, and what becomes of wrong ones."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

import settings
from errors import SettingsError


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "DATABASE_URL", "SOURCE", "MIN_COVERAGE", "EXTRA_HOLIDAYS"):
        monkeypatch.delenv(f"CLOSEBELL_{name}", raising=False)
    monkeypatch.setenv("CLOSEBELL_DATA_DIR", str(tmp_path))


def test_settings_come_from_the_data_folder_s_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closebell.toml").write_text(
        "min_coverage = 0.9\nsource = 'stored'\nextra_holidays = [2026-12-30]\n"
        "[rules.vcp.grades]\nS = 85\n"
    )
    monkeypatch.setenv("CLOSEBELL_MIN_COVERAGE", "0.8")
    loaded = settings.load()
    assert (loaded.min_coverage, loaded.source) == (0.8, "stored")
    assert loaded.extra_holidays == {date(2026, 12, 30)}
    assert loaded.rules["vcp"]["grades"]["S"] == 85


def test_a_file_in_the_current_folder_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "closebell.toml").write_text("min_coverage = 0.1")
    monkeypatch.chdir(elsewhere)
    assert settings.load().min_coverage == 0.95


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("min_coverage = 2", "min_coverage"),
        ("sauce = 'sample'", "sauce"),
        ("source = 'yahoo'", "source"),
        ("min_coverage = ", "closebell.toml"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "closebell.toml").write_text(text)
    with pytest.raises(SettingsError, match=named):
        settings.load()


def test_a_configured_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEBELL_CONFIG", "/nowhere/closebell.toml")
    with pytest.raises(SettingsError, match=re.escape("/nowhere/closebell.toml")):
        settings.load()


def test_several_wrong_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEBELL_MIN_COVERAGE", "much")
    monkeypatch.setenv("CLOSEBELL_SOURCE", "yahoo")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert "min_coverage" in caught.value.detail
    assert "source" in caught.value.detail


def test_holidays_in_the_environment_are_dates_between_commas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOSEBELL_EXTRA_HOLIDAYS", "2026-12-30, 2027-01-04")
    assert settings.load().extra_holidays == {date(2026, 12, 30), date(2027, 1, 4)}


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEBELL_DATABASE_URL", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(settings.load())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_origins", "desk.example"),
        ("api_origins", "*"),
        ("api_origins", "https://desk.example/"),
        ("api_origins", "https://desk.example, https://Desk.example"),
        ("api_proxies", "nonsense"),
        ("api_proxies", "10.0.0.1, 10.0.0.0/99"),
        ("api_proxies", "10.0.0.1/8"),
        ("prefect_ui_url", "javascript:alert(1)"),
        ("prefect_ui_url", "prefect.example:4200"),
    ],
)
def test_what_could_never_work_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings.load(**{name: value})


def test_origins_proxies_and_links_are_taken_as_they_are_meant() -> None:
    loaded = settings.load(
        api_origins="https://desk.example, http://127.0.0.1:3000, http://[::1]:80,",
        api_proxies="127.0.0.1, 10.0.0.0/8, fd00::/8",
        prefect_ui_url="https://prefect.example/flows",
    )
    assert loaded.api_origins == {
        "https://desk.example",
        "http://127.0.0.1:3000",
        "http://[::1]:80",
    }
    assert loaded.api_proxies == "127.0.0.1, 10.0.0.0/8, fd00::/8"
    assert settings.load(api_proxies="*").api_proxies == "*"
