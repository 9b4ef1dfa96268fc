"""What `closebell up` tells its parts."""

from __future__ import annotations

import pytest

from flows.parts import parts_of
from settings import Settings

ALERTS = '{"recipients": {"me": "tgram://a/b"}}'


def parts(tmp_path, source=None, **chosen):
    settings = Settings(data_dir=tmp_path / "data", alerts=ALERTS, **chosen)
    made = parts_of(settings, source=source, speed=None)
    return {part.name: part for part in made}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for name in ("PREFECT_UI_URL", "PREFECT_UI_STATIC_DIRECTORY", "CLOSEBELL_PREFECT_UI_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "4207")


def test_prefect_writes_its_page_into_the_data_folder(tmp_path):
    environment = parts(tmp_path)["prefect"].env
    assert environment["PREFECT_UI_STATIC_DIRECTORY"] == str(tmp_path / "data" / "prefect" / "ui")


@pytest.mark.parametrize(
    ("chosen", "address"),
    [
        ({}, "http://127.0.0.1:4207"),
        ({"prefect_ui_url": "https://runs.example"}, "https://runs.example"),
    ],
)
def test_links_to_runs_lead_to_the_page_of_prefect(tmp_path, chosen, address):
    made = parts(tmp_path, **chosen)
    assert made["prefect"].env["PREFECT_UI_URL"] == address
    for name in ("api", "worker", "alerts", "deployments"):
        assert made[name].env["CLOSEBELL_PREFECT_UI_URL"] == address


def test_what_prefects_environment_says_already_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_UI_URL", "https://prefect.example")
    assert parts(tmp_path)["prefect"].env["PREFECT_UI_URL"] == "https://prefect.example"


def test_every_part_that_reads_the_market_is_told_its_source(tmp_path):
    made = parts(tmp_path, source="sample")
    for name in ("api", "worker", "alerts", "deployments"):
        assert made[name].env["CLOSEBELL_SOURCE"] == "sample"
