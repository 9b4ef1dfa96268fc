"""How a signal is traded and what trading costs: every number typed, with its source.

Sources: [MM] Minervini's published rules; [OLD] the system closebell replaces; [KRX] a rule of
the exchange; [LAW] tax law; [DATA] set on real data of 2023-2026, to be re-checked; [US] a choice
of this project. Sessions are the exchange's, shares of a whole are fractions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from errors import SettingsError

VERSION = "1"
Rate = Annotated[float, Field(ge=0, le=0.05)]
Sessions = Annotated[int, Field(ge=1, le=250)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VcpTrade(Model):
    """A buy stop at the entry, then target, stop or the time limit."""

    wait: Sessions = Field(default=10, description="[US] sessions the order waits for its pivot")
    chase: Annotated[float, Field(ge=1, le=1.5)] = Field(
        default=1.05, description="[MM] of the pivot; an opening beyond it isn't bought"
    )
    hold: Sessions = Field(default=60, description="[US] sessions until the time limit")


class DaytradingTrade(Model):
    """In the session at the signal's price, out at its close. The list of the close is watched."""

    watch_entry: Literal["never", "next_open"] = Field(
        default="never",
        description="[US] only a scan of the next session confirms a watched stock; next_open "
        "buys its opening auction instead, for history without scans during the session",
    )


class ClosingBetTrade(Model):
    """Bought in the closing auction, sold by this rule."""

    exit: Literal["next_open", "next_0930", "next_close", "levels"] = Field(
        default="next_open", description="[DATA] +15 % is touched the next session in 2-7 %"
    )
    hold: Sessions = Field(default=5, description="[US] sessions until the time limit of levels")


class TaxStep(Model):
    """The tax on a sale from this trading session on, until the next step."""

    since: date
    kospi: Rate
    kosdaq: Rate
    konex: Rate = 0.001


# [LAW] securities transaction tax, on KOSPI with the rural tax of 0.15 %. A rate holds by the
# date of settlement (T+2), so from the sessions given here: 2024-12-27 is reported, the others are
# counted likewise. 2023 to 2026 are reported by newspapers and studygov.kr; what was before
# 2022-12-28 is written from memory and unconfirmed.
SELL_TAX = (
    TaxStep(since=date(1995, 5, 2), kospi=0.0030, kosdaq=0.0030, konex=0.0030),
    TaxStep(since=date(2019, 5, 30), kospi=0.0025, kosdaq=0.0025),
    TaxStep(since=date(2020, 12, 29), kospi=0.0023, kosdaq=0.0023),
    TaxStep(since=date(2022, 12, 28), kospi=0.0020, kosdaq=0.0020),
    TaxStep(since=date(2023, 12, 27), kospi=0.0018, kosdaq=0.0018),
    TaxStep(since=date(2024, 12, 27), kospi=0.0015, kosdaq=0.0015),
    TaxStep(since=date(2025, 12, 29), kospi=0.0020, kosdaq=0.0020),
)


class CostRules(Model):
    """Of each purchase and sale, as fractions of its amount."""

    commission: Rate = Field(
        default=0.00015, description="each side; Kiwoom's standard online rate, unconfirmed"
    )
    exchange_fee: Rate = Field(
        default=0.000036396, description="each side; exchange and depository, from blogs"
    )
    slippage_ticks: float = Field(default=1, ge=0, le=20, description="[US] each side")
    sell_tax: tuple[TaxStep, ...] = Field(default=SELL_TAX, min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        since = [step.since for step in self.sell_tax]
        if since != sorted(set(since)):
            raise ValueError("sell_tax must rise by since")
        return self


class TradeRules(Model):
    """How signals are followed; immutable, comparable by `hash`."""

    vcp: VcpTrade = VcpTrade()
    daytrading: DaytradingTrade = DaytradingTrade()
    closing_bet: ClosingBetTrade = ClosingBetTrade()
    costs: CostRules = CostRules()
    liquid_value: int = Field(
        default=1_000_000_000,
        ge=0,
        description="[DATA] won a session on average, of a random liquid stock; as gate L",
    )
    min_sample: int = Field(
        default=30, ge=1, description="[US] distinct trades; fewer are a small sample"
    )
    gone_after: int = Field(
        default=5, ge=1, le=60, description="[US] sessions without a stored row: off the market"
    )

    @classmethod
    def from_mapping(cls, rules: Mapping[str, Any]) -> TradeRules:
        """The defaults with `outcomes` of closebell.toml's [rules.…] in their place.

        Raises:
            SettingsError: naming every rule that is wrong, as in `rules.outcomes.vcp.hold`.
        """
        try:
            return cls.model_validate(rules.get("outcomes", {}))
        except ValidationError as error:
            wrong = [
                ".".join(["rules.outcomes", *map(str, e["loc"])]) + f": {e['msg']}"
                for e in error.errors()
            ]
            raise SettingsError(
                "wrong rules: " + "; ".join(wrong), remedy="correct them in closebell.toml"
            ) from None

    @property
    def hash(self) -> str:
        """Twelve hex digits that are equal exactly when version and all values are."""
        text = json.dumps([VERSION, self.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
