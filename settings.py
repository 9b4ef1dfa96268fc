"""Every setting, from the environment (CLOSEBELL_…) or closebell.toml, checked at start."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, Secret, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from errors import SettingsError

Language = Literal["ko", "en"]
Source = Literal["sample", "kiwoom", "krx", "marcap", "replay", "stored"]
# Read by the tests, and by the containers of deployments/compose, whose .env may be exported.
OF_OTHERS: Final = frozenset(
    f"CLOSEBELL_{name}"
    for name in ("CONFIG", "REAL_DATA", "DB_PASSWORD", "READER_PASSWORD", "SITE", "VERSION")
)
_ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


def default_data_dir() -> Path:
    """The user's data folder, by the habits of the operating system."""
    return Path(platformdirs.user_data_dir("closebell", appauthor=False))


def language_of_environment() -> Language:
    """Korean where LC_ALL, else LC_MESSAGES, else LANG says so; else English."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "ko" if chosen.startswith("ko") else "en"


class Settings(BaseSettings):
    """All settings, typed. Read them once with `load()` and hand them on."""

    model_config = SettingsConfigDict(
        env_prefix="CLOSEBELL_", extra="forbid", frozen=True, env_ignore_empty=True
    )

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="embedded database, Prefect's home, downloads, closebell.toml",
    )
    language: Language = Field(
        default_factory=language_of_environment,
        description="of tables and summaries on the terminal, ko or en; empty: by LANG",
    )
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 15 or newer; empty: the embedded one in the data folder"
    )
    source: Source | None = Field(
        None,
        description="where `run` collects from; empty: what is stored of the real market, "
        "and the sample market before anything is",
    )
    extra_holidays: Annotated[frozenset[date], NoDecode] = Field(
        frozenset(), description="dates the exchange closes that no release knows yet"
    )
    net_buying_known_at: time = Field(
        time(18, 40),
        description="KST; when a session's imported net buying counts as known (unconfirmed)",
    )
    min_coverage: float = Field(
        0.95, gt=0, le=1, description="share of yesterday's instruments a session must have"
    )
    partial_volume_previous: float = Field(
        0.65, gt=0, le=1, description="median volume against the session before: less is partial"
    )
    partial_volume_mean20: float = Field(
        0.60, gt=0, le=1, description="and against the mean of twenty sessions"
    )
    max_unexplained_jumps: int = Field(
        5, ge=0, description="stocks that may move beyond the limits without a base change"
    )
    marcap_base_url: str = Field(
        "https://raw.githubusercontent.com/FinanceData/marcap/master/data",
        description="where marcap-YYYY.parquet is published",
    )
    kiwoom_app_key: SecretStr | None = Field(None, description="Kiwoom REST API: app key")
    kiwoom_secret_key: SecretStr | None = Field(None, description="and its secret key")
    kiwoom_base_url: str = Field(
        "https://api.kiwoom.com", description="https://mockapi.kiwoom.com for mock keys"
    )
    kiwoom_ws_url: str = Field(
        "wss://api.kiwoom.com:10000/api/dostk/websocket",
        description="wss://mockapi.kiwoom.com:10000/api/dostk/websocket for mock keys",
    )
    kiwoom_stream_stocks: int = Field(
        100, ge=0, description="stocks `stream` watches at most; more are said to be refused"
    )
    kiwoom_stream_attempts: int = Field(
        10, ge=1, description="connections of `stream` that may fail in a row"
    )
    watch_list: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="tickers `stream` watches besides open signals, by commas"
    )
    kiwoom_calls_per_second: float = Field(
        1.0, gt=0, description="of one kind (TR); measured by users, not documented"
    )
    kiwoom_burst: int = Field(1, ge=1, description="calls of one kind at once; Kiwoom bears two")
    kiwoom_total_per_second: float = Field(
        5.0, gt=0, description="of all kinds together; the limit isn't documented"
    )
    kiwoom_max_missing: float = Field(
        0.01, ge=0, lt=1, description="share of the listed stocks a sweep may lack or can't read"
    )
    krx_auth_key: SecretStr | None = Field(None, description="KRX Open API: key")
    krx_base_url: str = Field(
        "https://data-dbg.krx.co.kr/svc/apis", description="where the KRX Open API answers"
    )
    krx_calls_per_second: float = Field(2.0, gt=0, description="its terms allow 10,000 a day")
    dart_key: SecretStr | None = Field(None, description="DART Open API: key of 40 characters")
    dart_base_url: str = Field(
        "https://opendart.fss.or.kr/api", description="where the DART Open API answers"
    )
    dart_calls_per_second: float = Field(
        5.0, gt=0, description="more than some 1,000 calls a minute are refused"
    )
    naver_key_id: SecretStr | None = Field(None, description="NAVER API HUB: key id")
    naver_key: SecretStr | None = Field(None, description="and its key")
    naver_base_url: str = Field(
        "https://naverapihub.apigw.ntruss.com", description="where NAVER API HUB answers"
    )
    naver_path: str = Field("/search/v1/news", description="of its news search")
    naver_calls_per_second: float = Field(
        10.0, gt=0, description="its terms allow 25,000 a day; fifty a second by hearsay"
    )
    http_connect_seconds: float = Field(5.0, gt=0, description="to reach a provider")
    http_read_seconds: float = Field(15.0, gt=0, description="of silence in an answer")
    http_attempt_seconds: float = Field(30.0, gt=0, description="for one attempt, to its last byte")
    http_total_seconds: float = Field(
        90.0, gt=0, description="after which a call isn't tried again, waiting included"
    )
    http_queue_seconds: float = Field(
        120.0, gt=0, description="the longest wait for a place in a provider's call rate"
    )
    http_attempts: int = Field(4, ge=1, le=10, description="of one call, the first one included")
    breaker_failures: int = Field(8, ge=1, description="in a row, until a provider isn't asked")
    breaker_seconds: float = Field(30.0, gt=0, description="until it is tried again")
    snapshot_sessions: int = Field(
        10, ge=1, description="sessions whose snapshots of the market are kept"
    )
    replay_file: Path | None = Field(
        None, description="snapshots that source replay plays; empty: the sample market"
    )
    replay_session: date | None = Field(
        None, description="which session it plays; empty: the newest there is"
    )
    replay_from: time = Field(time(9, 0), description="KST; when its clock starts")
    replay_speed: float = Field(
        1.0, ge=0, description="how fast its clock runs; 0: from one slot to the next at once"
    )
    replay_delay_minutes: float = Field(
        20.0, ge=0, description="how long after its own time a recorded snapshot was seen"
    )
    api_database_url: SecretStr | None = Field(
        None,
        description="the same database for a role that may only read; needed with database_url",
    )
    api_host: str = Field("127.0.0.1", description="where `serve` listens")
    api_port: int = Field(8000, ge=0, le=65535, description="and on which port; 0: any free one")
    api_without_keys: bool = Field(
        False, description="let `serve` listen beyond this machine although there is no key"
    )
    session_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="signs browsers' sessions, the same in every process that serves; "
        "empty: a file in the data folder",
    )
    api_origins: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="other sites whose pages may read (https://host), by commas"
    )
    api_rate_limit: str = Field(
        "1200/minute", description="requests an address or a key may make; empty: any number"
    )
    api_connections: int = Field(
        5,
        ge=1,
        le=50,
        description="of the API to the database, besides 2 for keys and for what is pushed",
    )
    api_clients: int = Field(10_000, ge=1, description="WebSocket clients at a time")
    api_clients_per_address: int = Field(1_000, ge=1, description="and of one address")
    api_proxies: str = Field(
        "",
        description="addresses or networks of proxies whose X-Forwarded-For is believed, by commas",
    )
    dask_address: str = Field(
        "", description="scheduler of the Dask cluster sweeps run on (tcp://…); empty: processes"
    )
    events_days: int = Field(30, ge=1, description="how long clients may stay away, in days")
    deadman_url: SecretStr | None = Field(
        None, description="POSTed to when a session's signals are stored (healthchecks.io)"
    )
    ops_webhook_url: SecretStr | None = Field(
        None, description="what Prefect's server POSTs to when a scan is late or lost (Slack)"
    )
    prefect_ui_url: str = Field("http://127.0.0.1:4200", description="where links to runs lead")
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        None, description="empty: warning on a terminal, else info"
    )
    rules: Mapping[str, Any] = Field(
        default_factory=dict, description="[rules.…] of closebell.toml; typed in scanners/rules.py"
    )
    alerts: Secret[dict[str, Any]] = Field(
        Secret({}), description="[alerts] of closebell.toml; typed in alerts/config.py"
    )

    @field_validator("extra_holidays", "api_origins", "watch_list", mode="before")
    @classmethod
    def _between_commas(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("api_origins")
    @classmethod
    def _as_browsers_send_them(cls, value: frozenset[str]) -> frozenset[str]:
        for one in value:
            if not _ORIGIN.fullmatch(one):
                raise ValueError(f"{one!r} is no origin; write it as https://host, lower case")
        return value

    @field_validator("api_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for one in _parts(value):
            if one != "*":
                ipaddress.ip_network(one)
        return value

    @field_validator("prefect_ui_url")
    @classmethod
    def _of_the_web(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("write it as https://host")
        return value

    @field_validator("alerts", mode="before")
    @classmethod
    def _out_of_json(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, toml


def _parts(value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]


def config_file() -> Path:
    """CLOSEBELL_CONFIG, else closebell.toml in the data folder; never the current folder."""
    if chosen := os.environ.get("CLOSEBELL_CONFIG"):
        return Path(chosen).expanduser()
    folder = os.environ.get("CLOSEBELL_DATA_DIR")
    return (Path(folder).expanduser() if folder else default_data_dir()) / "closebell.toml"


def unknown_names() -> list[str]:
    """Variables of the environment that look like settings and are none, in order."""
    known = {f"CLOSEBELL_{name.upper()}" for name in Settings.model_fields}
    ours = {name for name in map(str.upper, os.environ) if name.startswith("CLOSEBELL_")}
    return sorted(ours - known - OF_OTHERS)


def load(**overrides: Any) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: naming every setting that is missing, unknown or wrong.
    """
    chosen = os.environ.get("CLOSEBELL_CONFIG")
    if chosen and not config_file().is_file():
        raise SettingsError(
            f"CLOSEBELL_CONFIG names a file that isn't there: {chosen}",
            remedy="create it, or unset CLOSEBELL_CONFIG",
        )
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError(
            "wrong settings: " + "; ".join(lines),
            remedy=f"correct them in the environment (CLOSEBELL_…) or in {config_file()}",
        ) from None
    except (ValueError, OSError) as error:  # tomllib's TOMLDecodeError is a ValueError
        raise SettingsError(
            f"{config_file()} can't be read: {error}", remedy="correct the file"
        ) from None
