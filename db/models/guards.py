"""What guards the providers: call rates, circuit breakers, access tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Whole


class CallRate(Base):
    """A provider, or one kind of its calls: when the next may start, and what was counted."""

    __tablename__ = "call_rates"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    calls: Mapped[Whole] = mapped_column(server_default="0")
    retries: Mapped[Whole] = mapped_column(server_default="0")
    waited: Mapped[float] = mapped_column(server_default="0")
    last_call: Mapped[datetime | None]


class Breaker(Base):
    """A provider: closed while `open_until` is null. `permit` grows whenever it opens or probes."""

    __tablename__ = "breakers"

    name: Mapped[str] = mapped_column(primary_key=True)
    permit: Mapped[Whole] = mapped_column(server_default="1")
    failures: Mapped[Whole] = mapped_column(server_default="0")
    open_until: Mapped[datetime | None]
    probe_until: Mapped[datetime | None]
    last_success: Mapped[datetime | None]
    last_failure: Mapped[datetime | None]
    last_error: Mapped[str | None]


class AccessToken(Base):
    """The token of one app key, sealed; `claim` numbers the rights to issue one."""

    __tablename__ = "access_tokens"

    key: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str | None]
    number: Mapped[Whole] = mapped_column(server_default="0")
    issued_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    claim: Mapped[Whole] = mapped_column(server_default="0")
    claimed_until: Mapped[datetime | None]
