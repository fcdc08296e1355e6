"""Redis, the only store: one way to connect, the private server, and the scripts that run inside it."""

from bot.storage.connection import connect, require_usable
from bot.storage.embedded import attached_redis, embedded_redis

__all__ = ["attached_redis", "connect", "embedded_redis", "require_usable"]
