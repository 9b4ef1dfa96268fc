"""The first tables: instruments, bars, net buying, index, news, runs, signals, gates, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint(
            "source", "collected_at", name=op.f("uq_collections_source_collected_at")
        ),
    )
    op.create_table(
        "daily_bars",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("base", sa.BigInteger(), nullable=True),
        sa.Column("listed_shares", sa.BigInteger(), nullable=True),
        sa.Column("market_cap", sa.BigInteger(), nullable=True),
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("adjusted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session", "ticker", name=op.f("pk_daily_bars")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_stored", sa.BigInteger(), nullable=False),
        sa.Column("rows_unchanged", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "index_bars",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("index", sa.Text(), nullable=False),
        sa.Column("open", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("session", "index", name=op.f("pk_index_bars")),
    )
    op.create_table(
        "instrument_flags",
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("seen", sa.Date(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticker", "since", name=op.f("pk_instrument_flags")),
    )
    op.create_table(
        "instruments",
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("seen", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("ticker", "since", name=op.f("pk_instruments")),
    )
    op.create_table(
        "listings",
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("listed", sa.Date(), nullable=True),
        sa.Column("delisted", sa.Date(), nullable=True),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("ticker", name=op.f("pk_listings")),
    )
    op.create_table(
        "net_buying",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("foreign_won", sa.BigInteger(), nullable=True),
        sa.Column("institution_won", sa.BigInteger(), nullable=True),
        sa.Column("individual_won", sa.BigInteger(), nullable=True),
        sa.Column("foreign_shares", sa.BigInteger(), nullable=True),
        sa.Column("institution_shares", sa.BigInteger(), nullable=True),
        sa.Column("individual_shares", sa.BigInteger(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session", "ticker", "known_at", name=op.f("pk_net_buying")),
    )
    op.create_table(
        "news",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    op.create_index(op.f("ix_news_seen_at"), "news", ["seen_at"], unique=False)
    op.create_table(
        "scan_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Text(collation="C"), nullable=False),
        sa.Column("preliminary", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("net_buying_session", sa.Date(), nullable=True),
        sa.Column("scanned", sa.BigInteger(), nullable=False),
        sa.Column("grades", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checks_accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("flow_run_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_runs")),
    )
    op.create_index(
        op.f("ix_scan_runs_scanner_session_as_of"),
        "scan_runs",
        ["scanner", "session", "as_of"],
        unique=False,
    )
    op.create_table(
        "market_gates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Text(collation="C"), nullable=False),
        sa.Column("preliminary", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("kospi_status", sa.Text(), nullable=True),
        sa.Column("kosdaq_status", sa.Text(), nullable=True),
        sa.Column("kospi_close", sa.Double(), nullable=True),
        sa.Column("kospi_change_pct", sa.Double(), nullable=True),
        sa.Column("kosdaq_close", sa.Double(), nullable=True),
        sa.Column("kosdaq_change_pct", sa.Double(), nullable=True),
        sa.Column("sectors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["run_id"], ["scan_runs.id"], name=op.f("fk_market_gates_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_gates")),
        sa.UniqueConstraint("session", "as_of", name=op.f("uq_market_gates_session_as_of")),
    )
    op.create_table(
        "rejected_rows",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.id"],
            name=op.f("fk_rejected_rows_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "row", "reason", name=op.f("pk_rejected_rows")),
    )
    op.create_table(
        "signals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scanner", sa.Text(), nullable=False),
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Text(collation="C"), nullable=False),
        sa.Column("ticker", sa.Text(collation="C"), nullable=False),
        sa.Column("preliminary", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("out_of", sa.Double(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("stop", sa.BigInteger(), nullable=True),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("flags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("close", sa.BigInteger(), nullable=False),
        sa.Column("day_change", sa.Double(), nullable=True),
        sa.Column("value20", sa.BigInteger(), nullable=True),
        sa.Column("market_cap", sa.BigInteger(), nullable=True),
        sa.Column("net_buying_session", sa.Date(), nullable=True),
        sa.Column("position_size", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "change IN ('new', 'upgraded', 'carried', 'downgraded')", name=op.f("ck_signals_change")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'watch', 'filled', 'target', 'stopped', 'expired', 'withdrawn')",
            name=op.f("ck_signals_status"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["scan_runs.id"], name=op.f("fk_signals_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signals")),
        sa.UniqueConstraint(
            "scanner",
            "session",
            "as_of",
            "ticker",
            name=op.f("uq_signals_scanner_session_as_of_ticker"),
        ),
    )
    op.create_index(
        op.f("ix_signals_ticker_session"), "signals", ["ticker", "session"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_signals_ticker_session"), table_name="signals")
    op.drop_table("signals")
    op.drop_table("rejected_rows")
    op.drop_table("market_gates")
    op.drop_index(op.f("ix_scan_runs_scanner_session_as_of"), table_name="scan_runs")
    op.drop_table("scan_runs")
    op.drop_index(op.f("ix_news_seen_at"), table_name="news")
    op.drop_table("news")
    op.drop_table("net_buying")
    op.drop_table("listings")
    op.drop_table("instruments")
    op.drop_table("instrument_flags")
    op.drop_table("index_bars")
    op.drop_table("imports")
    op.drop_table("events")
    op.drop_table("daily_bars")
    op.drop_table("collections")
