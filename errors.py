"""Every error closebell raises, named for what its reader can do about it.

ClosebellError
├── SettingsError              a setting or rule is missing or wrong: correct it
├── NotATradingSession         the date is no session of the exchange: choose another
├── BadMarketData              the data can't be trusted: look at the figures, collect again
│   ├── BadFile                a file can't be read or has the wrong columns
│   │   └── NotImportable      it is known what the file holds, and that isn't imported
│   └── TooEarly               the session can't give it yet: run again later
├── SourceNotConfigured        the source needs a key or a file: configure it
├── SourceRefused              the provider refuses the request: look at the reason it gives
├── SourceUnavailable          the provider didn't answer: try again later
│   └── RateLimited            the provider asked for patience: wait
└── DatabaseError              the database refused or lost the work
    ├── DatabaseUnavailable    it can't be reached: start it, check the URL
    └── SchemaOutdated         its tables are of another version: closebell db upgrade
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

_FOLDER: Final = r"""[^\s:/\\'"]+(?:\ [^\s:/\\'"]+)*[/\\]"""
_PLACES: Final = re.compile(
    rf"""[a-z][a-z0-9+.-]*://[^\s'"]*[^\s'".,;:)]  # an address of the web or of a database
    |(?<![\w.])(?:[a-z]:[/\\](?:{_FOLDER})*|[/\\]{{1,2}}(?:{_FOLDER})+)[^\s:,;/\\'")]*  # a path
    |\(?['"]?\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b['"]?(?:[:,]\ ?\d+)?\)?  # an address of the network
    |\[(?=[^]]*:[^]]*:)[0-9a-f:.]+\](?::\d+)?  # one of IPv6
    |\b[a-z][\w-]*(?:\.[\w-]+)+:\d{{2,5}}\b  # a host with its port""",
    re.VERBOSE | re.IGNORECASE,
)
_HOST: Final = re.compile(r"^[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)


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


class NotImportable(BadFile):
    """A file of a known format that has no place in the database."""


class TooEarly(BadMarketData):
    """Asked for before the session has come so far. Nothing was done."""


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


def outward(error: BaseException) -> str:
    """What is recorded of an error for those who read from elsewhere.

    The words of ours, without paths and addresses (of files and pages the name stays); of what a
    database or a library said only the kind.
    """
    if not isinstance(error, ClosebellError) or isinstance(error, DatabaseError):
        return type(error).__name__
    return _PLACES.sub(_name_of_place, error.detail)


def _name_of_place(found: re.Match[str]) -> str:
    path = _HOST.sub("", found[0])
    name = re.split(r"[/\\]", path)[-1]
    return name if re.fullmatch(r"[\w.-]+\.[a-z]{2,8}", name) and "/" in path else "…"
