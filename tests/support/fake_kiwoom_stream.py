"""Kiwoom's WebSocket on loopback, written from its specification, with its ways of failing."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


def trade(ticker: str, price: str, change: str, percent: str, volume: str, **more: str) -> dict:
    """A 0B row as Kiwoom sends it."""
    fids = {"20": "100000", "10": price, "11": change, "12": percent, "13": volume, "290": "2"}
    return {"type": "0B", "name": "주식체결", "item": ticker, "values": {**fids, **more}}


def index(code: str, value: str, percent: str) -> dict:
    fids = {"20": "100001", "10": value, "11": "+1.00", "12": percent}
    return {"type": "0J", "name": "업종지수", "item": code, "values": fids}


@dataclass
class FakeStream:
    """Takes logins with `token`; `faults` are what happens to the coming connections, in order.

    A fault is close-at-login, refuse-token, refuse-keys, refuse-reg, hang-at-login or silence.
    """

    token: str = "token-1"
    faults: list[str] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    registered: set[tuple[str, str]] = field(default_factory=set)
    connections: int = 0
    echoed: int = 0
    url: str = ""
    socket: ServerConnection | None = None

    async def push(self, *rows: dict[str, Any]) -> None:
        await self.raw(json.dumps({"trnm": "REAL", "data": list(rows)}, ensure_ascii=False))

    async def raw(self, text: str) -> None:
        assert self.socket is not None
        await self.socket.send(text)

    async def ping(self) -> None:
        await self.raw('{"trnm":"PING"}')

    async def drop(self) -> None:
        assert self.socket is not None
        self.socket.transport.abort()

    async def _talk(self, socket: ServerConnection) -> None:
        self.connections += 1
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "close-at-login":
            await socket.close(1000)
            return
        try:
            async for text in socket:
                frame = json.loads(text)
                self.seen.append(frame)
                await self._answer(socket, frame, fault)
        except ConnectionClosed:
            pass
        finally:
            if self.socket is socket:
                self.socket = None

    async def _answer(self, socket: ServerConnection, frame: dict[str, Any], fault: str) -> None:
        kind = frame["trnm"]
        if kind == "PING":
            self.echoed += 1
        elif kind == "LOGIN":
            self.logins.append(frame["token"])
            if fault == "hang-at-login":
                return
            words = ""
            if fault == "refuse-token" or frame["token"] != self.token:
                words = "CODE=8005 Token이 유효하지 않습니다"
            if fault == "refuse-keys":
                words = "CODE=8001 App Key와 Secret Key 검증에 실패했습니다"
            code = 1 if words else 0
            await socket.send(
                json.dumps(
                    {"trnm": "LOGIN", "return_code": code, "return_msg": words, "sor_yn": "Y"}
                )
            )
            if code == 0:
                self.registered.clear()
                if fault != "silence":
                    self.socket = socket
        elif kind in ("REG", "REMOVE"):
            refused = fault == "refuse-reg"
            for entry in frame["data"]:
                keys = {(i, t) for i in entry["item"] for t in entry["type"]}
                self.registered = (
                    self.registered | keys if kind == "REG" else self.registered - keys
                )
            told = {"trnm": kind, "return_code": 5 if refused else 0, "return_msg": ""}
            if refused:
                told |= {"return_code": 2, "return_msg": "[1511] 필수 입력 값에 값이 없습니다"}
            await socket.send(json.dumps(told, ensure_ascii=False))

    def stocks(self) -> set[str]:
        """The stocks whose trades are registered now."""
        return {item for item, kind in self.registered if kind == "0B"}


@asynccontextmanager
async def streaming(fake: FakeStream):
    """The server on loopback for as long as it takes."""
    async with serve(fake._talk, "127.0.0.1", 0, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        fake.url = f"ws://127.0.0.1:{port}/api/dostk/websocket"
        yield fake


async def until(condition, seconds: float = 20) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
