"""Downloading the yearly files of the marcap dataset."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import httpx
import polars as pl
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_random_exponential,
)

from errors import BadFile, RateLimited, SettingsError, SourceUnavailable
from sources.files_formats import recognise

FIRST_YEAR = 1995
Progress = Callable[[int, int, int | None], None]


@dataclass(frozen=True)
class Limits:
    """How long to wait (seconds) and how often to try. `total` is for one file, all tries."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 600.0
    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 60.0


def parse_years(text: str) -> range:
    """The years that `marcap:2025` or `marcap:2024..2026` names.

    Raises:
        SettingsError: the text is no such thing, or names a year before 1995.
    """
    match = re.fullmatch(r"marcap:(\d{4})(?:\.\.(\d{4}))?", text)
    if not match:
        raise SettingsError(
            f"{text!r} names no years", remedy="write marcap:2025 or marcap:2024..2026"
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if first < FIRST_YEAR or last < first:
        raise SettingsError(f"{text!r}: the years must go up, from {FIRST_YEAR} on")
    return range(first, last + 1)


def download(
    years: Iterable[int],
    folder: Path,
    base_url: str,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Sequence[Path]:
    """Fetch marcap-YYYY.parquet of each year into `folder` and return their paths in order.

    A file appears only when it is whole and holds the expected columns; one that was there
    before is replaced, as the current year's grows every day. `progress` is told (year, bytes
    so far, bytes in all or None).

    Raises:
        SourceUnavailable: no answer, or none in time, after all tries; RateLimited when the
            last one asked for patience.
        SettingsError: that year isn't published, or the address is refused; never retried.
        BadFile: what came is not the dataset.
    """
    limits = limits or Limits()
    folder.mkdir(parents=True, exist_ok=True)
    plain = {"Accept-Encoding": "identity"}  # so that progress and length are of the file
    with httpx.Client(headers=plain, follow_redirects=True) as client:
        return [
            _fetch(
                client,
                f"{base_url.rstrip('/')}/marcap-{year}.parquet",
                year,
                folder,
                limits,
                progress,
            )
            for year in years
        ]


class _TryAgain(Exception):
    """One try failed in a way that another may not."""

    def __init__(self, detail: str, *, wait: float = 0.0, limited: bool = False) -> None:
        super().__init__(detail)
        self.wait = wait
        self.limited = limited


def _fetch(
    client: httpx.Client,
    url: str,
    year: int,
    folder: Path,
    limits: Limits,
    progress: Progress | None,
) -> Path:
    deadline = time.monotonic() + limits.total
    backoff = wait_random_exponential(multiplier=limits.first_wait, max=limits.longest_wait)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _TryAgain) else 0.0
        return max(asked, backoff(state))

    def give_up(state: RetryCallState) -> bool:
        last = state.attempt_number >= limits.attempts
        return last or time.monotonic() + state.upcoming_sleep >= deadline

    retrying = Retrying(
        retry=retry_if_exception_type(_TryAgain),
        stop=give_up,
        wait=pause,
        reraise=True,
    )
    target = folder / f"marcap-{year}.parquet"
    try:
        retrying(_try_once, client, url, year, target, deadline, limits, progress)
    except _TryAgain as error:
        kind = RateLimited if error.limited else SourceUnavailable
        raise kind(f"{url}: {error}", remedy="try again later") from error
    return target


def _try_once(
    client: httpx.Client,
    url: str,
    year: int,
    target: Path,
    deadline: float,
    limits: Limits,
    progress: Progress | None,
) -> None:
    half: Path | None = None
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as part:
            half = Path(part.name)
            left = max(deadline - time.monotonic(), 0.001)
            waits = httpx.Timeout(min(limits.read, left), connect=min(limits.connect, left))
            with client.stream("GET", url, timeout=waits) as response:
                _check_status(response, url, year)
                _receive(response, part.write, year, deadline, limits, progress)
        _check_content(half, url)
        half.replace(target)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise SettingsError(f"{url}: {error}", remedy="check CLOSEBELL_MARCAP_BASE_URL") from error
    except httpx.RequestError as error:
        raise _TryAgain(f"no usable answer: {str(error) or type(error).__name__}") from error
    finally:
        if half:
            half.unlink(missing_ok=True)


def _check_status(response: httpx.Response, url: str, year: int) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in (408, 429) or status >= 500:
        raise _TryAgain(f"answered {status}", wait=_retry_after(response), limited=status == 429)
    if status == 404:
        raise SettingsError(
            f"no marcap file of {year} is published at {url}",
            remedy="choose other years, or check CLOSEBELL_MARCAP_BASE_URL",
        )
    raise SettingsError(f"{url}: answered {status}", remedy="check CLOSEBELL_MARCAP_BASE_URL")


def _receive(
    response: httpx.Response,
    write: Callable[[bytes], object],
    year: int,
    deadline: float,
    limits: Limits,
    progress: Progress | None,
) -> None:
    length = response.headers.get("Content-Length", "")
    expected = int(length) if length.isdigit() else None
    received = 0
    for chunk in response.iter_bytes():  # as they come: a fixed size would wait for a slow server
        write(chunk)
        received = response.num_bytes_downloaded
        if progress:
            progress(year, received, expected)
        if time.monotonic() >= deadline:
            raise _TryAgain(f"not finished after {limits.total:g} s ({received} bytes came)")


def _check_content(path: Path, url: str) -> None:
    try:
        columns = pl.read_parquet_schema(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadFile(f"{url}: what came is no Parquet file") from error
    if recognise(columns, url) != "marcap":
        raise BadFile(f"{url}: what came has other columns than the marcap dataset")


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
