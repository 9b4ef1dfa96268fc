"""The dead-man's ping: a service elsewhere raises the alarm when it stays away."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import httpx
from pydantic import SecretStr

ATTEMPTS = 3
SECONDS = 10.0  # what one attempt may take
PAUSE = 2.0  # seconds between two


async def ping(
    url: SecretStr, text: str, *, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> str | None:
    """POST `text` to it, at most three times in half a minute; nothing is raised.

    healthchecks.io and its like take a POST to the check's address, and keep the text.

    Returns:
        None when it answered 2xx, else what went wrong, without the address (it is a secret).
    """
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            await wait(PAUSE)
        if (why := await _post(url.get_secret_value(), text)) == "":
            return None
    return f"{why}, {ATTEMPTS} times"


async def _post(url: str, text: str) -> str:
    tls: ssl.SSLContext | bool = url.startswith("https://") and httpx.create_ssl_context()
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(timeout=SECONDS, trust_env=False, verify=tls) as client,
            client.stream(
                "POST", url, content=text.encode(), headers={"User-Agent": "closebell"}
            ) as answer,
        ):
            return "" if answer.is_success else f"HTTP {answer.status_code}"
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return type(error).__name__
