"""Whoever is woken finds what to do."""

from __future__ import annotations

import re
from pathlib import Path

from alerts.words import _WORDS

ROOT = Path(__file__).parents[2]


def test_every_alert_that_something_is_wrong_has_its_section_in_the_runbook():
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    sections = set(re.findall(r"\w+", " ".join(re.findall(r"^## (.+)$", runbook, re.MULTILINE))))
    own = {kind for kind in _WORDS["en"] if kind.startswith(("scan_", "source_"))}
    rules = (ROOT / "deployments" / "monitoring" / "alerts.yaml").read_text()
    prometheus = set(re.findall(r"- alert: (\w+)", rules))
    assert {"scan_failed", "scan_late", "source_down"} <= own
    assert len(prometheus) > 5
    assert own | prometheus <= sections
