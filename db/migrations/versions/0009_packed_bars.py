"""Daily bars packed by session, and triggers that mark what is no longer as it was packed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = (
    *("open", "high", "low", "close", "volume", "value", "base", "listed_shares", "market_cap"),
    "marked",
)
# The table by its name and not by the caller's path, since each market is a schema of its own.
# The lock is that of db.bulk.store: without it a change made by hand beside a write of ours
# could be packed without being seen.
_FUNCTION = """
CREATE FUNCTION unpack_bars() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('store:daily_bars', 0));
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM packed_bars;
    ELSE
        INSERT INTO packed_bars (session) SELECT DISTINCT session FROM changed
        ON CONFLICT (session) DO UPDATE SET ticker = NULL;
    END IF;
    RETURN NULL;
END
$$
"""
_TRIGGERS = {
    "inserted": "INSERT ON daily_bars REFERENCING NEW TABLE AS changed",
    "updated": "UPDATE ON daily_bars REFERENCING NEW TABLE AS changed",
    "moved": "UPDATE ON daily_bars REFERENCING OLD TABLE AS changed",
    "deleted": "DELETE ON daily_bars REFERENCING OLD TABLE AS changed",
    "truncated": "TRUNCATE ON daily_bars",
}


def upgrade() -> None:
    op.create_table(
        "packed_bars",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=True),
        *(sa.Column(name, sa.LargeBinary(), nullable=True) for name in _COLUMNS),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_packed_bars")),
    )
    for name in ("ticker", *_COLUMNS):  # compressing takes ten times as long as packing
        op.execute(f"ALTER TABLE packed_bars ALTER COLUMN {name} SET STORAGE EXTERNAL")
    # Read as they are until a scan packs them.
    op.execute("INSERT INTO packed_bars (session) SELECT DISTINCT session FROM daily_bars")
    op.execute(_FUNCTION)
    for name, event in _TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER unpack_{name} AFTER {event}"
            " FOR EACH STATEMENT EXECUTE FUNCTION unpack_bars()"
        )


def downgrade() -> None:
    for name in _TRIGGERS:
        op.execute(f"DROP TRIGGER unpack_{name} ON daily_bars")
    op.execute("DROP FUNCTION unpack_bars()")
    op.drop_table("packed_bars")
