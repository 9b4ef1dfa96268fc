"""Sources: how each is doing, what is being fetched of them, what the exchange corrected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    ticker = sa.Text(collation="C")
    now = sa.text("now()")
    op.create_table(
        "source_states",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("degraded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_success", instant, nullable=True),
        sa.Column("last_failure", instant, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("covers_from", sa.Date(), nullable=True),
        sa.Column("covers_to", sa.Date(), nullable=True),
        sa.Column("updated_at", instant, server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source_states")),
    )
    op.create_table(
        "fetched_parts",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ticker", ticker, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "fetched_at", instant, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("source", "ticker", name=op.f("pk_fetched_parts")),
    )
    op.create_table(
        "bar_corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("ticker", ticker, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old", sa.BigInteger(), nullable=True),
        sa.Column("new", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("old_source", sa.Text(), nullable=True),
        sa.Column("flow_run_id", sa.Text(), nullable=True),
        sa.Column("created_at", instant, server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bar_corrections")),
    )


def downgrade() -> None:
    op.drop_table("bar_corrections")
    op.drop_table("fetched_parts")
    op.drop_table("source_states")
