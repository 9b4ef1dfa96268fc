"""A sender for every recipient of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.chat import AppriseSender
from alerts.config import Alerts, WebhookRecipient
from alerts.sending import Sender
from alerts.webhook import WebhookSender
from market.clock import Clock


def make_senders(config: Alerts, clock: Clock) -> Mapping[str, Sender]:
    """By the recipient's name.

    Raises:
        SettingsError: naming the recipient whose address can't be read.
    """
    return {
        name: WebhookSender(recipient, clock, config.attempt_seconds)
        if isinstance(recipient, WebhookRecipient)
        else AppriseSender(name, recipient, config.attempt_seconds)
        for name, recipient in config.recipients.items()
    }
