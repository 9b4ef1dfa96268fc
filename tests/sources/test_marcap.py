"""Downloading the marcap dataset from a server that doesn't always behave."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest
from memory_guards import memory_guards

from errors import BadFile, RateLimited, SettingsError, SourceUnavailable
from sources.http.call import Limits
from sources.http.client import Client
from sources.marcap import Marcap, Progress, parse_years

QUICK = Limits(
    connect=5, read=5, attempt=20, total=20, attempts=3, backoff=0.01, longest_backoff=0.02
)
Answer = Callable[["Handler"], None]


def dataset(year: int) -> bytes:
    columns = ["Open", "High", "Low", "Close", "Volume", "Amount", "Changes", "Marcap", "Stocks"]
    frame = pl.DataFrame(
        {"Date": [f"{year}-03-20"], "Code": ["005930"], "Name": ["삼성전자"], "Market": ["KOSPI"]}
        | {name: [1] for name in columns}
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = [whole]
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/"


@dataclass
class Steps:
    seen: list[tuple[int, int, int | None]] = field(default_factory=list)

    def __call__(self, year: int, received: int, expected: int | None) -> None:
        self.seen.append((year, received, expected))


def download(
    years: list[int],
    folder: Path,
    base_url: str,
    *,
    limits: Limits,
    progress: Progress | None = None,
) -> Sequence[Path]:
    with Marcap(Client("marcap", memory_guards(), limits), base_url) as marcap:
        return marcap.download(years, folder, progress=progress)


def whole(handler: Handler) -> None:
    handler.send(200, dataset(int(handler.path[-12:-8])))


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.send(code, **headers)


def truncated(handler: Handler) -> None:
    body = dataset(2024)
    handler.send(200, body[:-50], Content_Length=str(len(body)))
    handler.close_connection = True


def dripping(handler: Handler) -> None:
    handler.send(200, Content_Length="1000000")
    while not handler.server.over.wait(0.02):
        try:
            handler.wfile.write(b".")
            handler.wfile.flush()
        except OSError:
            return


def silent(handler: Handler) -> None:
    handler.server.over.wait(10)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_each_year_becomes_a_file(server: Server, tmp_path: Path) -> None:
    steps = Steps()
    paths = download([2024, 2025], tmp_path / "new", server.url, limits=QUICK, progress=steps)
    assert [path.name for path in paths] == ["marcap-2024.parquet", "marcap-2025.parquet"]
    assert [path.read_bytes() for path in paths] == [dataset(2024), dataset(2025)]
    assert server.asked == ["/data/marcap-2024.parquet", "/data/marcap-2025.parquet"]
    size = len(dataset(2025))
    assert steps.seen[-1] == (2025, size, size)
    assert sorted(tmp_path.joinpath("new").iterdir()) == sorted(paths)


def test_a_year_that_is_not_published_is_named_and_not_asked_for_again(
    server: Server, tmp_path: Path
) -> None:
    server.answers = [status(404)]
    with pytest.raises(SettingsError, match="no marcap file of 2031 is published"):
        download([2031], tmp_path, server.url, limits=QUICK)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_another_refusal_is_not_retried(server: Server, tmp_path: Path) -> None:
    server.answers = [status(403)]
    with pytest.raises(SettingsError, match="answered 403"):
        download([2024], tmp_path, server.url, limits=QUICK)
    assert len(server.asked) == 1


@pytest.mark.parametrize("trouble", [status(500), status(503), status(429), truncated])
def test_passing_trouble_is_tried_again(server: Server, tmp_path: Path, trouble: Answer) -> None:
    server.answers = [trouble, whole]
    [path] = download([2024], tmp_path, server.url, limits=QUICK)
    assert path.read_bytes() == dataset(2024)
    assert len(server.asked) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_lasting_trouble_ends_after_the_last_try(server: Server, tmp_path: Path) -> None:
    server.answers = [status(502)]
    with pytest.raises(SourceUnavailable, match=r"marcap-2024\.parquet: HTTP 502") as error:
        download([2024], tmp_path, server.url, limits=QUICK)
    assert error.value.retryable
    assert len(server.asked) == 3


def test_a_truncated_file_never_replaces_a_whole_one(server: Server, tmp_path: Path) -> None:
    [path] = download([2024], tmp_path, server.url, limits=QUICK)
    server.answers = [truncated]
    with pytest.raises(SourceUnavailable, match=r"marcap-2024\.parquet: RemoteProtocolError"):
        download([2024], tmp_path, server.url, limits=QUICK)
    assert path.read_bytes() == dataset(2024)
    assert list(tmp_path.iterdir()) == [path]


def test_being_asked_to_wait_longer_than_there_is_time_ends_it(
    server: Server, tmp_path: Path
) -> None:
    server.answers = [status(429, Retry_After="3600")]
    with pytest.raises(RateLimited, match="refused for too many calls"):
        download([2024], tmp_path, server.url, limits=QUICK)
    assert len(server.asked) == 1


def test_a_dripping_server_is_left_at_the_deadline(server: Server, tmp_path: Path) -> None:
    server.answers = [dripping]
    limits = replace(QUICK, attempt=0.3, total=0.3)
    with pytest.raises(SourceUnavailable, match=r"not finished within 0\.3 s"):
        download([2024], tmp_path, server.url, limits=limits)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_left_at_the_deadline(server: Server, tmp_path: Path) -> None:
    server.answers = [silent]
    limits = replace(QUICK, read=60, attempt=0.3, total=0.3)
    with pytest.raises(SourceUnavailable, match=r"not finished within 0\.3 s"):
        download([2024], tmp_path, server.url, limits=limits)


def test_a_page_instead_of_the_dataset_is_refused(server: Server, tmp_path: Path) -> None:
    server.answers = [lambda handler: handler.send(200, b"<html>sign in</html>")]
    with pytest.raises(BadFile, match="no Parquet file"):
        download([2024], tmp_path, server.url, limits=QUICK)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_parquet_with_other_columns_is_refused(server: Server, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"code": ["005930"], "name": ["삼성전자"], "market": ["KOSPI"]}).write_parquet(
        buffer
    )
    server.answers = [lambda handler: handler.send(200, buffer.getvalue())]
    with pytest.raises(BadFile, match="other columns than the marcap dataset"):
        download([2024], tmp_path, server.url, limits=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_nobody_at_home_is_no_answer(server: Server, tmp_path: Path) -> None:
    with Server() as closed:
        url = closed.url
    with pytest.raises(SourceUnavailable, match=r"marcap-2024\.parquet: ConnectError"):
        download([2024], tmp_path, url, limits=QUICK)


@pytest.mark.parametrize("url", ["ftp://example.invalid", "http://localhost:port"])
def test_an_impossible_address_is_a_wrong_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="marcap-2024"):
        download([2024], tmp_path, url, limits=QUICK)


def test_years_are_read_from_their_text() -> None:
    assert list(parse_years("marcap:2025")) == [2025]
    assert list(parse_years("marcap:2024..2026")) == [2024, 2025, 2026]


@pytest.mark.parametrize(
    "text", ["marcap:", "marcap:24", "marcap:2026..2024", "marcap:1994", "marcap:2024-2026", "2024"]
)
def test_other_texts_name_no_years(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_years(text)
