"""`python -m tests.bench.alerts.bare PORT REDIS_URL`: the least that could be done, a body written to Redis."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.storage import connect


def main(port: int, redis_url: str) -> None:
    """Serve until killed."""
    redis = connect(redis_url)

    async def take(request: Request) -> JSONResponse:
        await redis.xadd("bare", {"body": await request.body()})
        return JSONResponse({}, 202)

    web = Starlette(routes=[Route("/alerts", take, methods=["POST"])])
    uvicorn.run(web, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
