"""`closebell doctor` on the machine's disk and on Prefect servers of many kinds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from cli.doctor import _disk
from errors import ClosebellError
from flows.home import answers
from flows.standing import standing
from settings import Settings

ELSEWHERE = "postgresql://me@db.example/closebell"


@pytest.mark.parametrize(
    ("free", "database_url", "well"),
    [(2.1, None, True), (1.9, None, False), (1.9, ELSEWHERE, True), (0.1, ELSEWHERE, False)],
)
def test_a_database_elsewhere_needs_no_room_here(tmp_path, monkeypatch, free, database_url, well):
    usage = SimpleNamespace(free=free * 1e9)
    monkeypatch.setattr("cli.doctor.shutil.disk_usage", lambda _: usage)
    found = _disk(Settings(data_dir=tmp_path, database_url=database_url))
    assert found.ok is well
    assert bool(found.remedy) is not well


@contextmanager
def server_that_says(status: int) -> Iterator[str]:
    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Says) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()


@pytest.mark.parametrize(("status", "there"), [(200, True), (401, True), (403, True), (502, False)])
def test_a_server_that_asks_who_we_are_is_there(status, there):
    with server_that_says(status) as url:
        assert answers(url) is there


@pytest.mark.parametrize("url", ["http://[broken/api", "http://127.0.0.1:port/api", "nonsense", ""])
def test_an_address_that_is_none_is_one_where_nobody_answers(url):
    assert answers(url) is False


def test_a_server_that_stops_answering_between_questions_is_an_error_with_what_to_do():
    gone = {PREFECT_API_URL: "http://127.0.0.1:1/api"}
    with temporary_settings(gone), pytest.raises(ClosebellError, match="stopped answering") as told:
        standing()
    assert told.value.remedy
