"""PostgreSQL as a part of the program: started when needed, stopped by the last who used it."""

from db.embedded.server import embedded_server

__all__ = ["embedded_server"]
