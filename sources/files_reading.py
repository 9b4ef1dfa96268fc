"""Getting a table out of a Parquet or CSV file, whatever its encoding or compression."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl

from errors import BadFile

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
PARQUET = b"PAR1"


def read_table(path: Path) -> pl.DataFrame:
    """The rows of a file; a CSV file's columns are all String, numbers and codes alike.

    CSV may be UTF-8 (with or without a byte-order mark) or cp949, plain, gzip or zstd (zstd
    only with UTF-8). Columns without a name, as an exported index leaves them, are dropped.

    Raises:
        BadFile: there is no such file, it is empty, or it is no table.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if not start:
            raise BadFile(f"{path}: the file is empty")
        table = pl.read_parquet(path) if start == PARQUET else _read_csv(path)
    except (OSError, EOFError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadFile(f"{path}: can't be read: {reason[0]}") from error
    if table.is_empty():
        raise BadFile(f"{path}: the file has no rows")
    return table.drop([name for name in table.columns if _nameless(name)])


def _read_csv(path: Path) -> pl.DataFrame:
    content = path.read_bytes()
    if content.startswith(GZIP):
        content = gzip.decompress(content)
    if not content.startswith(ZSTD):
        if b"\x00" in content[:4096]:
            raise BadFile(f"{path}: neither Parquet nor text")
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            content = content.decode("cp949").encode()
    return pl.read_csv(content, infer_schema=False)


def _nameless(name: str) -> bool:
    return not name.strip() or name.startswith("Unnamed:")
