"""Files taken in, and the rows they were refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import polars as pl
from sqlalchemy import Connection, insert, select

from db.bulk import copy_in
from db.models import Import, RejectedRow


@dataclass(frozen=True)
class NewImport:
    """One file and the fate of its rows."""

    file: str
    sha256: str
    rows_read: int
    rows_stored: int
    rows_unchanged: int
    rows_rejected: int


class Imports:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: NewImport, rejected: pl.DataFrame) -> int:
        """Record a file and its refused rows; gives the import's id.

        Args:
            rejected: row (number in the file, from 1), reason, content (JSON text).
        """
        statement = insert(Import).values(**asdict(new)).returning(Import.id)
        number = self._connection.execute(statement).scalar_one()
        if not rejected.is_empty():
            rows = rejected.select(
                pl.lit(number, pl.Int64).alias("import_id"), "row", "reason", "content"
            )
            copy_in(self._connection, RejectedRow.__tablename__, rows)
        return number

    def known(self, sha256: str, rows_rejected: int) -> bool:
        """Whether a file of this content was taken in before, with as many rows refused."""
        same = (Import.sha256 == sha256) & (Import.rows_rejected == rows_rejected)
        return self._connection.scalar(select(Import.id).where(same).limit(1)) is not None

    def rejected(self, number: int) -> pl.DataFrame:
        """The refused rows of one import: row, reason, content (as JSON gave it)."""
        query = (
            select(RejectedRow.row, RejectedRow.reason, RejectedRow.content)
            .where(RejectedRow.import_id == number)
            .order_by(RejectedRow.row, RejectedRow.reason)
        )
        found = self._connection.execute(query).mappings()
        schema = {"row": pl.Int64, "reason": pl.String, "content": pl.Object}
        return pl.DataFrame([dict(row) for row in found], schema=schema)
