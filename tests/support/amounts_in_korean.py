"""Billions of won as the scanners tell them, and how a Korean says the same."""

from __future__ import annotations

AMOUNTS = [
    ("24.1", "241억 원"),
    ("0.1", "1억 원"),
    ("0.05", "5,000만 원"),
    ("0.0", "0원"),
    ("812.0", "8,120억 원"),
    ("1000.0", "1조 원"),
    ("1234.5", "1조 2,345억 원"),
    ("12034.5", "12조 345억 원"),
    ("-5.3", "-53억 원"),
]
