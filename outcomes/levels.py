"""Comparing prices with levels that may have been carried through splits."""

from __future__ import annotations

import polars as pl

# Carrying a level from one scale to another leaves noise of 1e-16; prices are 1e-6 apart.
TOLERANCE = 1e-9


def reached(price: pl.Expr, level: pl.Expr) -> pl.Expr:
    """price ≥ level; null where either is."""
    return price >= level * (1 - TOLERANCE)
