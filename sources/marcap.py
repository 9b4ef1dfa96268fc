"""The marcap dataset: a file a year, of every stock and session until the day before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import httpcore
import httpx
import polars as pl

from errors import BadFile, SettingsError
from settings import Settings
from sources.files_formats import recognise
from sources.http.call import Call, Limits, Rate, Reply, Request
from sources.http.client import Client
from sources.http.closing import Closing
from sources.http.guards import Guards

PROVIDER: Final = "marcap"
FIRST_YEAR: Final = 1995
PER_SECOND: Final = 2.0
Progress = Callable[[int, int, int | None], None]


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


class Marcap(Closing):
    """Where the files are published. Close it, or use it as a context manager."""

    name: Final = PROVIDER

    def __init__(self, http: Client, base_url: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")

    def close(self) -> None:
        self._http.close()

    def download(
        self, years: Iterable[int], folder: Path, *, progress: Progress | None = None
    ) -> Sequence[Path]:
        """Fetch marcap-YYYY.parquet of each year into `folder` and return their paths in order.

        A file appears only when it is whole and holds the expected columns; one that was there
        before is replaced, as the current year's grows every day. `progress` is told (year, bytes
        so far, bytes in all or None).

        Raises:
            SourceUnavailable: no usable answer after all attempts; RateLimited when the last one
                asked for patience.
            SettingsError: that year isn't published, or the address is refused; never retried.
            BadFile: what came is not the dataset.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return [self._fetch(year, folder, progress) for year in years]

    def _fetch(self, year: int, folder: Path, progress: Progress | None) -> Path:
        name = f"marcap-{year}.parquet"
        url = f"{self._base_url}/{name}"
        call = Call(PROVIDER, name, rates=(Rate(PROVIDER, PER_SECOND),))

        def tell(so_far: int, in_all: int | None) -> None:
            if progress:
                progress(year, so_far, in_all)

        # Unpacked, so that progress and length are of the file.
        request = Request("GET", url, {"Accept-Encoding": "identity"})
        try:
            body = self._http.send(call, request, lambda r: _body(r, url, year), progress=tell)
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol) as error:
            raise SettingsError(
                f"{url}: {error}", remedy="check CLOSEBELL_MARCAP_BASE_URL"
            ) from error
        return _keep(body, folder / name, url)


def open_marcap(settings: Settings, guards: Guards) -> Marcap:
    """Where the settings say; a file may take as long as twenty calls to others."""
    usual = Limits.of(settings)
    limits = replace(
        usual,
        read=2 * usual.read,
        attempt=20 * usual.attempt,
        total=20 * usual.attempt,
        largest_body=4 * usual.largest_body,
    )
    return Marcap(Client(PROVIDER, guards, limits), settings.marcap_base_url)


def _body(reply: Reply, url: str, year: int) -> bytes:
    if reply.status == 200:
        return reply.body
    if reply.status == 404:
        raise SettingsError(
            f"no marcap file of {year} is published at {url}",
            remedy="choose other years, or check CLOSEBELL_MARCAP_BASE_URL",
        )
    raise SettingsError(f"{url}: answered {reply.status}", remedy="check CLOSEBELL_MARCAP_BASE_URL")


def _keep(body: bytes, target: Path, url: str) -> Path:
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as part:
        half = Path(part.name)
        try:
            part.write(body)
            part.flush()
            _check_content(half, url)
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
    return target


def _check_content(path: Path, url: str) -> None:
    try:
        columns = pl.read_parquet_schema(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadFile(f"{url}: what came is no Parquet file") from error
    if recognise(columns, url) != "marcap":
        raise BadFile(f"{url}: what came has other columns than the marcap dataset")
