"""A test message, to see that recipients can be reached."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from alerts.config import Alerts
from alerts.sending import NotDelivered, Outgoing, Sender
from alerts.situation import Notice
from alerts.words import render
from market.clock import Clock


async def send_trial(
    senders: Mapping[str, Sender], config: Alerts, clock: Clock
) -> list[tuple[str, str | None]]:
    """Try each recipient once, all at the same time; its name and what went wrong, if anything."""

    async def attempt(name: str, sender: Sender) -> tuple[str, str | None]:
        notices = [Notice("test", "closebell alerts test", {"recipient": name})]
        text = render(notices, config.language, config.dashboard_url or "", repeat=False)
        key = f"test_{secrets.token_hex(16)}"
        try:
            await sender.send(Outgoing(key, notices, text, False, clock.now()))
        except NotDelivered as error:
            return name, error.detail
        return name, None

    return list(await asyncio.gather(*(attempt(*one) for one in senders.items())))
