"""Redis, the only store: one way to connect, the private server, and the scripts that run inside it."""

from bot.storage.connection import connect, require_usable
from bot.storage.embedded import embedded_redis

__all__ = ["connect", "embedded_redis", "require_usable"]
