"""Servers for the API's benchmarks: ours, and a bare FastAPI application with the same bytes."""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from contextlib import suppress

import uvicorn
from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect

from api.app import create_app
from api.serving import make_server, pool_of
from db.database import Database
from db.engine import SERVER
from settings import Settings

CLIENTS = 20_000


def ours(url: str, port: int) -> uvicorn.Server:
    """The API over the database at `url`, without rate limits."""
    settings = Settings(
        api_port=port, api_rate_limit="", api_clients=CLIENTS, api_clients_per_address=CLIENTS
    )
    database = Database(url, pool=pool_of(settings), reading=SERVER)
    return make_server(create_app(settings, database), settings)


def bare(peer: str, port: int) -> uvicorn.Server:
    """One route that returns what `peer` answers, and a socket that loops over its clients."""
    app = FastAPI()
    body = urllib.request.urlopen(f"{peer}/api/kr/signals?limit=50").read()
    clients: set[WebSocket] = set()

    @app.get("/bytes")
    async def same_bytes() -> Response:
        return Response(body, media_type="application/json")

    @app.websocket("/ws")
    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        clients.add(socket)
        with suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
        clients.discard(socket)

    @app.post("/broadcast")
    async def broadcast(size: int) -> int:
        text = "x" * size
        for client in list(clients):
            await client.send_text(text)
        return len(clients)

    settings = Settings(api_port=port, api_rate_limit="")
    return make_server(app, settings)


if __name__ == "__main__":
    kind, where, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    asyncio.run((ours if kind == "ours" else bare)(where, port).serve())
