"""The dashboard and the alert rules name metrics and labels that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "deployments" / "monitoring"


def expressions() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
    found = [target["expr"] for panel in panels for target in panel["targets"]]
    return found + [rule["expr"] for rule in rules]


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Every name a scrape may have, with its labels; `up` is Prometheus' own."""
    metrics = Metrics()
    found: dict[str, set[str]] = {"up": {"job"}}
    for family in metrics.registry.collect():
        labels = set(metrics.registry._names_to_collectors[family.name]._labelnames)
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        for ending in endings.get(family.type, [""]):
            found[family.name + ending] = labels | ({"le"} if ending == "_bucket" else set())
    return found


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_of_dashboard_and_alerts_exists(known, expression):
    names = set(re.findall(r"closebell_\w+|\bup\b", expression))
    assert names
    assert names <= set(known)
    labels = {
        name for part in re.findall(r"by \(([^)]*)\)", expression) for name in part.split(", ")
    }
    labels |= set(re.findall(r"[{,]\s*(\w+)=", expression))
    assert labels <= set.union(*(known[name] for name in names))


def test_what_every_api_reads_from_the_database_is_counted_once():
    for expression in expressions():
        if re.search(r"closebell_(scan_|source_|alert_messages)", expression):
            assert "max" in expression, expression
            assert "sum" not in expression, expression


def test_a_scrape_can_be_parsed_and_every_name_is_ours():
    families = list(text_string_to_metric_families(generate_latest(Metrics().registry).decode()))
    assert len(families) > 10
    assert all(family.name.startswith("closebell_") for family in families)
