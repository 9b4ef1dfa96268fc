"""The read API and the WebSocket notifier: what PostgreSQL holds, and nothing else."""

from api.app import create_app

__all__ = ["create_app"]
