"""Chats, mail and the rest, through Apprise."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from typing import Any

from alerts.config import AppriseRecipient
from alerts.sending import NotDelivered, Outgoing
from errors import SettingsError

_SECRETS = re.compile(r"[^/?&=@:;,#]{4,}")


class AppriseSender:
    """One Apprise address."""

    def __init__(self, name: str, recipient: AppriseRecipient, seconds: float) -> None:
        """`seconds`: what one attempt may take.

        Raises:
            SettingsError: Apprise can't read the address, which isn't shown.
        """
        # Slow to import, and only who alerts needs it.
        from apprise import Apprise, AppriseAsset, OverflowMode

        self._url = recipient.url.get_secret_value()
        self._seconds = seconds
        asset = AppriseAsset(app_id="closebell", app_desc="closebell", async_mode=False)
        with _Reasons():
            self._service: Any = Apprise.instantiate(self._url, asset=asset)
        if self._service is None:
            raise SettingsError(
                f"wrong alerts: alerts.recipients.{name}: Apprise can't read this address",
                remedy="write it as https://github.com/caronc/apprise/wiki says",
            )
        if "overflow=" not in self._url:  # a service refuses what is longer than it takes
            self._service.overflow_mode = OverflowMode.SPLIT

    async def send(self, message: Outgoing) -> None:
        """Apprise only says whether it went well, so what failed may yet have arrived.

        Raises:
            NotDelivered: with what Apprise's log says, without any piece of the address.
        """
        try:
            async with asyncio.timeout(self._seconds):
                reason = await asyncio.to_thread(self._send, message)
        except TimeoutError:
            raise NotDelivered(f"not done within {self._seconds:g} s", unsure=True) from None
        if reason is not None:
            raise NotDelivered(reason, unsure=True)

    def _send(self, message: Outgoing) -> str | None:
        from apprise import NotifyFormat

        with _Reasons() as reasons:
            try:
                done = self._service.notify(
                    body=message.text.body,
                    title=message.text.title,
                    body_format=NotifyFormat.TEXT,
                )
            except Exception as error:  # noqa: BLE001  a plugin's mistake is a failed attempt
                return f"Apprise failed: {type(error).__name__}"
        return None if done else self._without_secrets(" ".join(reasons.heard) or "not accepted")

    def _without_secrets(self, text: str) -> str:
        scheme, _, rest = self._url.partition("://")
        for piece in sorted(_SECRETS.findall(rest), key=len, reverse=True):
            if piece != scheme:
                text = text.replace(piece, "…")
        return text[:300]


class _Reasons(logging.Filter):
    """What Apprise logs in this thread meanwhile, warnings and worse; no handler sees any of it.

    Its words may hold addresses.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self._thread = threading.get_ident()
        self._logger = logging.getLogger("apprise")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        if record.levelno >= logging.WARNING:
            self.heard.append(record.getMessage())
        return False

    def __enter__(self) -> _Reasons:
        self._logger.addFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeFilter(self)
