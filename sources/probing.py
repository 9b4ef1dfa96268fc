"""Measuring a provider: a question, what was found, which setting follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from errors import ClosebellError


@dataclass(frozen=True)
class Finding:
    """`as_expected` is None when the question couldn't be answered now; `found` says why."""

    source: str
    question: str
    found: str
    as_expected: bool | None
    change: str | None = None


@dataclass(frozen=True)
class Answer:
    """A finding before it is known of whom and to which question."""

    found: str
    as_expected: bool | None
    change: str | None = None


@dataclass(frozen=True)
class Question:
    """Something the documents leave open, and how to measure it."""

    words: str
    measure: Callable[[], Answer]


def answers(source: str, questions: Iterable[Question], *, seconds: float) -> Iterator[Finding]:
    """Each question's finding; an error is one too. None is begun after `seconds`."""
    until = time.monotonic() + seconds
    for question in questions:
        if time.monotonic() >= until:
            answer = Answer(f"not asked, {seconds:g} s are over", None, "run it again")
        else:
            try:
                answer = question.measure()
            except ClosebellError as error:
                answer = Answer(error.detail, False, error.remedy)
        yield Finding(source, question.words, answer.found, answer.as_expected, answer.change)
