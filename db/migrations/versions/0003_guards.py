"""Call rates, circuit breakers and access tokens of the providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    zero = sa.text("'0'")
    op.create_table(
        "call_rates",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_at", instant, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("retries", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("waited", sa.Double(), server_default=zero, nullable=False),
        sa.Column("last_call", instant, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_call_rates")),
    )
    op.create_table(
        "breakers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permit", sa.BigInteger(), server_default=sa.text("'1'"), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("open_until", instant, nullable=True),
        sa.Column("probe_until", instant, nullable=True),
        sa.Column("last_success", instant, nullable=True),
        sa.Column("last_failure", instant, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_breakers")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("issued_at", instant, nullable=True),
        sa.Column("expires_at", instant, nullable=True),
        sa.Column("claim", sa.BigInteger(), server_default=zero, nullable=False),
        sa.Column("claimed_until", instant, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_access_tokens")),
    )


def downgrade() -> None:
    op.drop_table("access_tokens")
    op.drop_table("breakers")
    op.drop_table("call_rates")
