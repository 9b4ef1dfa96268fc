"""The database room: what is stored, and the only place that speaks SQL."""

from db.database import Database, open_database

__all__ = ["Database", "open_database"]
