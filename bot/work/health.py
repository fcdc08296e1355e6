"""`/healthz`, `/readyz` and `/metrics`, for whoever runs the bot."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import __version__


class Health:
    """What the probes ask. The assembled service marks its parts."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.working = False
        """Whether the worker takes tasks."""
        self.died = False
        """Whether the worker has ended by an error: only a new process helps."""

    async def missing(self) -> list[str]:
        """What keeps the service from doing its work."""
        missing = [] if self.working else ["the worker is not running"]
        try:
            await self._redis.ping()
        except RedisError as error:
            missing.append(f"Redis does not answer: {error}")
        return missing


def health_routes(health: Health) -> list[Route]:
    """The routes of the probes."""

    async def healthz(_: Request) -> Response:
        status = "the worker has died" if health.died else "alive"
        return JSONResponse({"status": status, "version": __version__}, 503 if health.died else 200)

    async def readyz(_: Request) -> Response:
        missing = await health.missing()
        return JSONResponse(
            {"status": "not ready" if missing else "ready", "missing": missing}, 503 if missing else 200
        )

    async def metrics(_: Request) -> Response:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415

        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
