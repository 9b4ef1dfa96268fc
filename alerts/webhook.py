"""Signed webhooks, by https://www.standardwebhooks.com."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl

import httpx

from alerts.config import WebhookRecipient, signing_key
from alerts.sending import NotDelivered, Outgoing
from market.clock import SEOUL, Clock

_FINAL = frozenset({400, 405, 410, 413, 415, 422})
"""They refuse the message itself, or for good; a wrong key or address may yet be put right."""


class WebhookSender:
    """POSTs JSON, signed; the receiver needs the secret to believe it."""

    def __init__(self, recipient: WebhookRecipient, clock: Clock, seconds: float) -> None:
        """`seconds`: what one attempt may take, from connecting to the whole answer."""
        self._url = recipient.webhook.get_secret_value()
        self._key = signing_key(recipient.secret)
        self._clock = clock
        self._seconds = seconds
        secure = self._url.startswith("https://")
        self._tls: ssl.SSLContext | bool = secure and httpx.create_ssl_context()

    async def send(self, message: Outgoing) -> None:
        """Done when it answers 2xx; a redirect isn't followed.

        Raises:
            NotDelivered: with the status, or what went wrong on the way.
        """
        body = body_of(message)
        headers = signed_headers(self._key, message.key, int(self._clock.now().timestamp()), body)
        try:
            async with (
                asyncio.timeout(self._seconds),
                httpx.AsyncClient(
                    timeout=self._seconds, trust_env=False, verify=self._tls
                ) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                status, after = answer.status_code, answer.headers.get("retry-after", "")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotDelivered(f"can't be reached: {type(error).__name__}") from None
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotDelivered(f"no answer: {type(error).__name__}", unsure=True) from None
        if not 200 <= status < 300:
            wait = float(after) if after.isascii() and after.isdigit() else None
            raise NotDelivered(f"HTTP {status}", after=wait, final=status in _FINAL)


def body_of(message: Outgoing) -> bytes:
    """The notices as data, and as the text that people get."""
    told = {
        "id": message.key,
        "type": "alerts",
        "repeat": message.repeat,
        "timestamp": message.created_at.astimezone(SEOUL).isoformat(),
        "notices": [
            {"kind": notice.kind, "rule": notice.rule, **notice.facts} for notice in message.notices
        ],
        "text": {"title": message.text.title, "body": message.text.body},
    }
    return json.dumps(told, ensure_ascii=False).encode()


def signed_headers(key: bytes, number: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What proves who sent it and when; the number is the same for every attempt."""
    signed = f"{number}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "closebell",
        "Idempotency-Key": number,
        "webhook-id": number,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
