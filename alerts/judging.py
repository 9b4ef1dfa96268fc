"""What a rule has to say of how things stand now, given what it said before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime

from alerts.rules import GRADES, GateRule, GradeRule, PivotRule, Rule, ScanRule, SourceRule
from alerts.situation import GateFact, Notice, ScanFact, SignalFact, Situation, SourceFact

States = Mapping[str, str]
"""Subject to state: what a rule remembers, so that only a change is told."""
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Judgement:
    """What is told, and what is remembered instead of what was before."""

    notices: tuple[Notice, ...]
    states: States


def judge(when: str, rule: Rule, now: Situation, before: States) -> Judgement:
    """Judge one rule; with nothing to look at, nothing is told and all is remembered."""
    if isinstance(rule, GradeRule) and now.published is not None:
        return _grades(when, rule, now.published, now.newest, before)
    if isinstance(rule, PivotRule) and now.patterns is not None:
        return _pivots(when, rule, now.patterns, now.newest, before)
    if isinstance(rule, GateRule) and now.gate is not None:
        return _gate(when, now.gate, now.newest, before)
    if isinstance(rule, ScanRule) and now.scans is not None:
        return _scans(when, now.scans, now.newest, before)
    if isinstance(rule, SourceRule) and now.sources is not None:
        return _sources(when, now.sources, before)
    return Judgement((), before)


def _grades(
    when: str, rule: GradeRule, signals: Iterable[SignalFact], newest: date, before: States
) -> Judgement:
    """What the session before ended with is old news, and so is what was told of, unless better.

    What the scan before had doesn't matter: nobody may have judged it.
    """
    states, notices = _of_sessions_from(newest, before), []
    for signal in signals:
        if signal.scanner not in rule.scanners or signal.grade not in rule.grades:
            continue
        if signal.session < newest:
            continue
        subject = f"{signal.session} {signal.scanner} {signal.ticker}"
        was = states.get(subject, signal.before)
        if was is None or GRADES.index(signal.grade) < GRADES.index(was):
            states[subject] = signal.grade
            facts = _facts(signal) | {"change": "new" if was is None else "upgraded"}
            notices.append(Notice("signal", when, facts))
    return Judgement(tuple(notices), states)


def _pivots(
    when: str, rule: PivotRule, signals: Iterable[SignalFact], newest: date, before: States
) -> Judgement:
    """Told once when a stock comes near; again only after it was away, or off a session's lists.

    What is remembered is the last session in which it was near.
    """
    states = {ticker: last for ticker, last in before.items() if last >= str(newest)}
    notices = []
    for signal in signals:
        if signal.session < newest or not signal.pivot or signal.price is None:
            continue
        distance = (signal.price / signal.pivot - 1) * 100
        if abs(distance) > rule.percent * (1 + _TOLERANCE):
            states.pop(signal.ticker, None)
            continue
        states[signal.ticker] = str(signal.session)
        if signal.ticker not in before:
            facts = _facts(signal) | {"distance_pct": round(distance, 2)}
            notices.append(Notice("near_pivot", when, facts))
    return Judgement(tuple(notices), states)


def _gate(when: str, gate: GateFact, newest: date, before: States) -> Judgement:
    if gate.status is None or gate.session < newest:
        return Judgement((), before)
    was = before.get("gate", gate.before)
    states = {"gate": gate.status}
    if was is None or was == gate.status:
        return Judgement((), states)
    return Judgement((Notice("gate", when, _facts(gate) | {"before": was}),), states)


def _scans(when: str, scans: Iterable[ScanFact], newest: date, before: States) -> Judgement:
    """Told once of each scanner, failed or late, until it is well again, which is told too.

    One that fails again after that is told anew: who read that it is well would believe it.

    A late scan that then fails is told twice, as each is news. What is remembered is the first
    slot of which it was told.
    """
    states, notices, well = {}, [], {}
    wrong = [scan for scan in scans if scan.session >= newest]
    for subject, as_of in _of_sessions_from(newest, before).items():
        session, scanner, *_ = subject.split()
        if any(scan.scanner == scanner for scan in wrong):
            states[subject] = as_of
        else:
            about = {"scanner": scanner, "session": session, "as_of": as_of}
            well[scanner] = Notice("scan_well", when, about)
    for scan in wrong:
        kind = "scan_failed" if scan.due is None else "scan_late"
        subject = f"{scan.session} {scan.scanner} {kind}"
        if subject not in states:
            states[subject] = scan.as_of
            notices.append(Notice(kind, when, _facts(scan)))
    return Judgement((*notices, *well.values()), states)


def _sources(when: str, sources: Iterable[SourceFact], before: States) -> Judgement:
    states, notices = {}, []
    for source in sources:
        states[source.name] = "down" if source.down else "up"
        if before.get(source.name, "up") != states[source.name]:
            kind = f"source_{states[source.name]}"
            notices.append(Notice(kind, when, _facts(source)))
    return Judgement(tuple(notices), states)


def _of_sessions_from(newest: date, before: States) -> dict[str, str]:
    """What is remembered of sessions that may still alert; subjects begin with theirs."""
    return {subject: state for subject, state in before.items() if subject >= str(newest)}


def _facts(fact: SignalFact | GateFact | ScanFact | SourceFact) -> dict[str, object]:
    values = {field.name: getattr(fact, field.name) for field in fields(fact)}
    return {
        name: value.isoformat() if isinstance(value, date | datetime) else value
        for name, value in values.items()
    }
