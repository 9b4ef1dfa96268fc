"""What became of each signal: transitions, outcome figures, and figures of all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WORDS = "('open', 'watch', 'filled', 'target', 'stopped', 'expired', 'withdrawn')"


def upgrade() -> None:
    now = sa.text("now()")
    fractions = [
        "factor",
        "gross_return",
        "net_return",
        "random_return",
        "open_return",
        *(f"{kind}_{horizon}" for kind in ("return", "market") for horizon in (1, 5, 20)),
    ]
    op.create_table(
        "signal_transitions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint(f"status IN {_WORDS}", name=op.f("ck_signal_transitions_status")),
        sa.CheckConstraint(
            f"from_status IN {_WORDS}", name=op.f("ck_signal_transitions_from_status")
        ),
        sa.ForeignKeyConstraint(
            ["signal_id"], ["signals.id"], name=op.f("fk_signal_transitions_signal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal_transitions")),
    )
    op.create_index(op.f("ix_signal_transitions_signal_id"), "signal_transitions", ["signal_id"])
    op.create_table(
        "outcomes",
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("filled_session", sa.Date(), nullable=True),
        sa.Column("filled_price", sa.BigInteger(), nullable=True),
        sa.Column("closed_session", sa.Date(), nullable=True),
        sa.Column("closed_price", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Double(), nullable=True) for name in fractions),
        sa.Column("sessions_held", sa.Integer(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint(f"status IN {_WORDS}", name=op.f("ck_outcomes_status")),
        sa.ForeignKeyConstraint(["signal_id"], ["signals.id"], name=op.f("fk_outcomes_signal_id")),
        sa.PrimaryKeyConstraint("signal_id", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "performance",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("settled_to", sa.Date(), nullable=False),
        sa.Column("survivorship", sa.Text(), nullable=False),
        sa.Column("delisted_held", sa.Boolean(), nullable=True),
        sa.Column("groups", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_performance")),
    )


def downgrade() -> None:
    op.drop_table("performance")
    op.drop_table("outcomes")
    op.drop_index(op.f("ix_signal_transitions_signal_id"), table_name="signal_transitions")
    op.drop_table("signal_transitions")
