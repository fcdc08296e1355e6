"""Redis, the only store: one way to connect, the private server, and the scripts that run inside it."""

from bot.storage.connection import KEEP_EVERY_WRITE, KEEP_IT, connect, keeps, keeps_every_write, require_usable
from bot.storage.embedded import attached_redis, embedded_redis, holds_anything, redis_at_hand

__all__ = [
    "KEEP_EVERY_WRITE",
    "KEEP_IT",
    "attached_redis",
    "connect",
    "embedded_redis",
    "holds_anything",
    "keeps",
    "keeps_every_write",
    "redis_at_hand",
    "require_usable",
]
