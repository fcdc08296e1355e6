"""The one door to HTTP servers: httpx is imported here and nowhere else.

Every client is bound to one configured base address (no request leaves it, redirects are not followed), has
deadlines, retries what is safe to retry, and reads answers up to a size. What changes a server is sent once.
"""

from bot.http.effect import send_once
from bot.http.request import Transport, strays
from bot.http.source import HttpSource, Page

__all__ = ["HttpSource", "Page", "Transport", "send_once", "strays"]
