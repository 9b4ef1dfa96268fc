"""Every error closebell raises, named for what its reader can do about it.

ClosebellError
├── SettingsError              a setting or rule is missing or wrong: correct it
├── NotATradingSession         the date is no session of the exchange: choose another
├── BadMarketData              the data can't be trusted: look at the figures, collect again
│   └── BadFile                a file can't be read or has the wrong columns
├── SourceNotConfigured        the source needs a key or a file: configure it
├── SourceRefused              the provider refuses the request: look at the reason it gives
├── SourceUnavailable          the provider didn't answer: try again later
│   └── RateLimited            the provider asked for patience: wait
└── DatabaseError              the database refused or lost the work
    ├── DatabaseUnavailable    it can't be reached: start it, check the URL
    └── SchemaOutdated         its tables are of another version: closebell db upgrade
"""

from __future__ import annotations

from functools import partial


class ClosebellError(Exception):
    """What went wrong, and in `remedy` what the reader can do about it."""

    retryable = False

    def __init__(self, detail: str, *, remedy: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:  # keyword arguments survive pickling
        return partial(type(self), remedy=self.remedy), (self.detail,)


class SettingsError(ClosebellError):
    """A setting or a rule is missing or wrong; the detail names it."""


class NotATradingSession(ClosebellError):
    """The exchange is closed on that date."""


class BadMarketData(ClosebellError):
    """The data can't be trusted; the detail carries the figures. Nothing was stored."""


class BadFile(BadMarketData):
    """A file that can't be read, or lacks the columns of any format we know."""


class SourceNotConfigured(ClosebellError):
    """The chosen source needs something that isn't set."""


class SourceRefused(ClosebellError):
    """The provider refuses the request itself; asking again would change nothing."""


class SourceUnavailable(ClosebellError):
    """The provider didn't answer, or not usably, after all retries."""

    retryable = True


class RateLimited(SourceUnavailable):
    """The provider refused because of too many calls."""


class DatabaseError(ClosebellError):
    """The database refused or lost the work; nothing was committed."""


class DatabaseUnavailable(DatabaseError):
    """The database can't be reached."""

    retryable = True


class SchemaOutdated(DatabaseError):
    """The tables are older or newer than this program."""
