"""[alerts] of closebell.toml: whom to tell what, in which language, and when not to."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from alerts.rules import Rule, parse_rule
from errors import SettingsError
from settings import Settings

Language = Literal["ko", "en"]
_SCHEME = re.compile(r"([A-Za-z0-9]+)://")
LEAST_SECRET = 24  # bytes, as Standard Webhooks asks for


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AppriseRecipient(Model):
    """Whatever Apprise can send to: tgram://, slack://, discord://, mailto://, and so on."""

    url: SecretStr

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: SecretStr) -> SecretStr:
        if _SCHEME.match(value.get_secret_value()) is None:
            raise ValueError("begins with what it is for, as in tgram:// or mailto://")
        return value


class WebhookRecipient(Model):
    """A signed POST (Standard Webhooks); `secret` is whsec_ and base64, or plain text."""

    webhook: SecretStr
    secret: SecretStr

    @field_validator("webhook")
    @classmethod
    def _an_address(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("begins with https:// or http://")
        return value

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(signing_key(value)) < LEAST_SECRET:
            raise ValueError(f"has at least {LEAST_SECRET} bytes")
        return value


def _as_table(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _kind(value: object) -> str:
    webhook = isinstance(value, WebhookRecipient) or (
        isinstance(value, Mapping) and "webhook" in value
    )
    return "signed" if webhook else "apprise"


Recipient = Annotated[
    Annotated[AppriseRecipient, Tag("apprise")] | Annotated[WebhookRecipient, Tag("signed")],
    Discriminator(_kind),
    BeforeValidator(_as_table),
]


class RuleFor(Model):
    """A rule, and whom it is for: by default everybody."""

    when: str
    to: tuple[str, ...] = ()

    @field_validator("when")
    @classmethod
    def _a_rule(cls, value: str) -> str:
        parse_rule(value)
        return " ".join(value.split())

    @property
    def rule(self) -> Rule:
        """What the sentence says."""
        return parse_rule(self.when)


def _as_rule(value: object) -> object:
    return {"when": value} if isinstance(value, str) else value


class QuietHours(Model):
    """From one time of the day to another in Asia/Seoul, over midnight or not."""

    begin: time
    end: time

    def over_at(self, now: datetime) -> datetime | None:
        """When the quiet hours that `now` (aware, Asia/Seoul) falls into are over; else None."""
        clock = now.time()
        if self.begin <= self.end:
            inside = self.begin <= clock < self.end
        else:
            inside = clock >= self.begin or clock < self.end
        if not inside:
            return None
        day = now.date() if clock < self.end else now.date() + timedelta(days=1)
        return datetime.combine(day, self.end, now.tzinfo)


def _as_hours(value: object) -> object:
    if not isinstance(value, str):
        return value
    begin, dash, end = value.partition("-")
    if not dash:
        raise ValueError("written as 22:00-07:00")
    return {"begin": begin.strip(), "end": end.strip()}


class Alerts(Model):
    """Everything about alerts; without recipients and rules nothing is sent."""

    language: Language = "ko"
    dashboard_url: str | None = Field(None, pattern=r"^https?://")
    quiet_hours: Annotated[QuietHours, BeforeValidator(_as_hours)] | None = None
    late_minutes: int = Field(60, ge=1, description="after a scan was due, until it is late")
    attempts: int = Field(6, ge=1, le=20, description="at least, however old a message is")
    attempt_seconds: float = Field(15.0, gt=0, le=120, description="that one of them may take")
    retry_seconds: float = Field(
        10.0, gt=0, le=600, description="before the second; then thrice, up to an hour"
    )
    recipients: Mapping[str, Recipient] = Field(default_factory=dict)
    rules: tuple[Annotated[RuleFor, BeforeValidator(_as_rule)], ...] = ()

    @model_validator(mode="after")
    def _known_recipients(self) -> Self:
        if self.rules and not self.recipients:
            raise ValueError("there are rules, but no recipients to tell")
        said = [rule.when.lower() for rule in self.rules]
        if twice := sorted({one for one in said if said.count(one) > 1}):
            raise ValueError(f"the same rule twice: {', '.join(twice)}; name all in its `to`")
        for rule in self.rules:
            if unknown := sorted(set(rule.to) - set(self.recipients)):
                raise ValueError(f"rule {rule.when!r} is for unknown {', '.join(unknown)}")
        return self

    def told_by(self, rule: RuleFor) -> tuple[str, ...]:
        """The names of those whom a rule is for."""
        return rule.to or tuple(self.recipients)


def read_alerts(settings: Settings) -> Alerts:
    """The alerts that the settings ask for, checked.

    Raises:
        SettingsError: naming every wrong one, as in `alerts.rules.1.when`; never a secret.
    """
    mapping = settings.alerts.get_secret_value()
    try:
        config = Alerts.model_validate(mapping)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(['alerts', *map(str, e['loc'])])}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False, include_context=False, include_url=False)
        ]
        raise SettingsError(
            "wrong alerts: " + "; ".join(wrong), remedy="correct them in closebell.toml"
        ) from None
    if config.dashboard_url is None:
        own = f"http://{settings.api_host}:{settings.api_port}"
        config = config.model_copy(update={"dashboard_url": own})
    return config


def signing_key(secret: SecretStr) -> bytes:
    """The bytes that a webhook's secret stands for."""
    text = secret.get_secret_value()
    if text.startswith("whsec_"):
        try:
            return base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("whsec_ is followed by base64") from None
    return text.encode()


def as_mapping(config: Alerts) -> Mapping[str, Any]:
    """For people: everything but addresses and secrets."""
    return {
        "language": config.language,
        "dashboard_url": config.dashboard_url,
        "quiet_hours": None
        if config.quiet_hours is None
        else f"{config.quiet_hours.begin:%H:%M}-{config.quiet_hours.end:%H:%M}",
        "recipients": [
            {"name": name, "kind": kind_of(recipient)}
            for name, recipient in config.recipients.items()
        ],
        "rules": [{"when": rule.when, "to": list(config.told_by(rule))} for rule in config.rules],
    }


def kind_of(recipient: AppriseRecipient | WebhookRecipient) -> str:
    """`webhook`, or the scheme of the Apprise address; `unknown` for one without."""
    if isinstance(recipient, WebhookRecipient):
        return "webhook"
    scheme = _SCHEME.match(recipient.url.get_secret_value())
    return scheme[1] if scheme else "unknown"
