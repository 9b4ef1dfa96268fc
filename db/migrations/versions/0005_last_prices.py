"""The session that is on: last prices, snapshots of the market, shares of a day's volume."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "last_prices",
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("change_rate", sa.Double(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("at", instant, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticker", name=op.f("pk_last_prices")),
    )
    op.create_table(
        "index_prices",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("change_pct", sa.Double(), nullable=True),
        sa.Column("at", instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_index_prices")),
    )
    op.create_table(
        "snapshots",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("bars", sa.LargeBinary(), nullable=False),
        sa.Column("index_bars", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session", "at", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "volume_shares",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("minute", sa.Double(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("stocks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session", "minute", name=op.f("pk_volume_shares")),
    )


def downgrade() -> None:
    op.drop_table("volume_shares")
    op.drop_table("snapshots")
    op.drop_table("index_prices")
    op.drop_table("last_prices")
