"""Publishing: runs, signals, gate and the events that announce them, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from db import Database
from db.bulk import Stored
from db.repositories import Repositories
from db.repositories.runs import NewRun
from db.repositories.signals import Changes
from logs import get as logger
from scanners.rules import Rules
from tasks.scan import Scanned
from tasks.step import step

GATE = "market_gate"
STATUS: Mapping[str, Literal["open", "watch"]] = {"daytrading": "watch"}
"""After the close a day trade is something to watch for in the next session; else all are open."""


@dataclass(frozen=True)
class Publication:
    """What publishing changed, by scanner; nothing changed when all are false.

    A scanner in `opened` scanned a session and slot for the first time: its newest list is another
    one now, though it may be empty.
    """

    signals: Mapping[str, Changes]
    gate: Stored
    opened: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return any(self.signals.values()) or bool(self.gate.stored or self.opened)


@dataclass(frozen=True)
class RunFacts:
    """What is recorded with every run of a flow; `preliminary` marks its signals and gate too.

    Scanners in `withheld` have a run, as skipped, and change no signal.
    """

    source: str
    preliminary: bool = False
    reason: str | None = None
    flow_run_id: str | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Scanner to the reason."""
    accepted: Mapping[date, str] = field(default_factory=dict)
    """Sessions published although the checks refuse them, to the reason of that."""


def publish_sessions(
    db: Database,
    scanned: Scanned,
    sessions: Sequence[date],
    rules: Rules,
    facts: RunFacts,
    *,
    announce: Literal["signals", "scan"] = "signals",
) -> Publication:
    """Write the results of `sessions`, all or nothing; an identical result adds only its run.

    Scanners, and the gate, that were not asked for stay as they are.

    Args:
        announce: `signals` sends an event for each scanner that changed anything or opened a slot,
            and one for the gate; `scan` a single one for the whole range, as a back-fill does.

    Raises:
        DatabaseError: nothing was published.
    """
    slot = str(scanned.slot)
    with db.transaction() as tx:
        runs = _add_runs(tx, scanned, sessions, rules, facts)
        changes = {
            name: tx.signals.replace(
                name,
                slot,
                runs[name],
                result.signals,
                rules_hash=rules.hash,
                preliminary=facts.preliminary,
                status="open" if scanned.slot.in_session else STATUS.get(name, "open"),
            )
            for name, result in scanned.scan.results.items()
            if name not in facts.withheld
        }
        gate = Stored(0, 0, 0)
        if scanned.scan.gate is not None:
            gate = tx.gates.replace(
                slot,
                runs[GATE],
                scanned.scan.gate,
                rules_hash=rules.hash,
                preliminary=facts.preliminary,
            )
        publication = Publication(changes, gate, tx.runs.opened)
        if publication and announce == "signals":
            _announce_signals(tx, publication, sessions[-1], slot)
        elif publication:
            _announce_scan(tx, publication, sessions, slot)
    for name, change in changes.items():
        logger().info("published", scanner=name, sessions=len(sessions), **vars(change))
    if scanned.scan.gate is not None:
        logger().info("published", scanner=GATE, sessions=len(sessions), changed=gate.stored)
    return publication


# Called directly on the main thread: a submitted task's time limit doesn't end it.
publish_step = step("publish", timeout=600)(publish_sessions)


def counts_of(scanned: Scanned, name: str, session: date) -> tuple[int, dict[str, int]]:
    """How many stocks a scanner scanned in a session, and how many got each grade."""
    found = scanned.scan.results[name].counts.filter(pl.col("session") == session)
    if found.is_empty():
        return 0, dict.fromkeys("SABC", 0)
    row = found.row(0, named=True)
    return row["scanned"], {grade: row[grade.lower()] for grade in "SABC"}


def left_out_of(scanned: Scanned, name: str, session: date) -> dict[str, int]:
    """How many stocks a scanner left out in a session, by reason."""
    frame = scanned.scan.results[name].left_out.filter(pl.col("session") == session)
    return dict(frame.select("reason", "n").iter_rows())


def _add_runs(
    tx: Repositories,
    scanned: Scanned,
    sessions: Sequence[date],
    rules: Rules,
    facts: RunFacts,
) -> dict[str, dict[date, int]]:
    names = [*scanned.scan.results, *([GATE] if scanned.scan.gate is not None else [])]
    runs = [_run(scanned, name, session, rules, facts) for name in names for session in sessions]
    ids: dict[str, dict[date, int]] = {name: {} for name in names}
    for run, number in zip(runs, tx.runs.add(runs), strict=True):
        ids[run.scanner][run.session] = number
    return ids


def _run(scanned: Scanned, name: str, session: date, rules: Rules, facts: RunFacts) -> NewRun:
    of_scanner = name != GATE
    scanned_stocks, grades = counts_of(scanned, name, session) if of_scanner else (0, {})
    return NewRun(
        scanner=name,
        session=session,
        slot=str(scanned.slot),
        status="skipped" if name in facts.withheld else "completed",
        rules_hash=rules.hash,
        rules_version=rules.version,
        source=facts.source,
        scanned=scanned_stocks,
        grades=grades,
        left_out=left_out_of(scanned, name, session) if of_scanner else {},
        seconds=scanned.seconds,
        preliminary=facts.preliminary,
        checks_accepted=session in facts.accepted,
        reason=facts.withheld.get(name, facts.accepted.get(session, facts.reason)),
        flow_run_id=facts.flow_run_id,
    )


def _announce_signals(tx: Repositories, publication: Publication, session: date, slot: str) -> None:
    about = {"session": session.isoformat(), "as_of": slot}
    for name, changes in publication.signals.items():
        if changes or name in publication.opened:
            tx.events.append(
                f"signal:{name}",
                "signal_update",
                {"signal_type": name, **about, **vars(changes)},
            )
    if publication.gate.stored:
        tx.events.append("market-gate", "market_gate_update", about)


def _announce_scan(
    tx: Repositories, publication: Publication, sessions: Sequence[date], slot: str
) -> None:
    tx.events.append(
        "scan",
        "scan_update",
        {
            "from": sessions[0].isoformat(),
            "to": sessions[-1].isoformat(),
            "as_of": slot,
            "sessions": len(sessions),
            "signals": {name: vars(changes) for name, changes in publication.signals.items()},
        },
    )
