"""A small HTTP server that steers a world from another process: status, time, events, outages, files.

Only translates requests into calls of World; JSON in, JSON out. It listens on 127.0.0.1 like everything here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.http_server import HttpServer
from contact_sync.simulator.salesforce.troubles import TROUBLES
from contact_sync.simulator.world import World

Action = Callable[[World, dict[str, Any]], dict[str, Any]]


def status(world: World, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - every action takes a body
    """What is running, how far life has come, and what clients have done."""
    return {
        "now": world.clock().isoformat(),
        "is_paused": world.ticker.is_paused,
        "events_per_minute": world.ticker.per_minute,
        "events": world.life.happened,
        "event_names": list(world.life.names),
        "instances": {
            name: {
                "url": world.org(name).url,
                "is_reachable": world.org(name).is_reachable,
                "requests": dict(world.org(name).requests),
                "jobs": dict(world.org(name).jobs),
                "records_written": len(world.org(name).writes),
            }
            for name in world.instances
        },
    }


def pause(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Let the population stand still."""
    world.ticker.pause()
    return status(world, asked)


def resume(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Let the population live; `{"per_minute": 30}` sets the rate, too."""
    if "per_minute" in asked:
        rate(world, asked)
    world.ticker.resume()
    return status(world, asked)


def rate(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Set the events per minute: `{"per_minute": 30}`."""
    try:
        world.ticker.set_rate(float(asked["per_minute"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SimulatorError('Send {"per_minute": N} with a number above 0.') from error
    return status(world, asked)


def event(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Make one event happen: `{"name": "core.edit_contact"}`, or any with `{}`."""
    happening = world.life.happen(asked.get("name"))
    return {"name": happening.name, "at": happening.at.isoformat(), "records": list(happening.records)}


def outage(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Make a system unreachable or reachable: `{"system": "emea", "is_down": true}`; the ERP is called `erp`."""
    world.outage(str(asked.get("system", "")), bool(asked.get("is_down", True)))
    return status(world, asked)


def expire_tokens(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """End all sessions of an instance: `{"instance": "core"}`."""
    return {"expired": world.org(str(asked.get("instance", ""))).expire_tokens()}


def trouble(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Plan what goes wrong: `{"instance": "core", "kind": "query", "trouble": "503", "times": 1, "after": 0}`."""
    name = str(asked.get("trouble", ""))
    if name not in TROUBLES or not asked.get("kind"):
        raise SimulatorError(f"Send a kind of request and a trouble, which is one of: {', '.join(TROUBLES)}.")
    times, after = int(asked.get("times", 1)), int(asked.get("after", 0))
    instance = world.org(str(asked.get("instance", "")))
    instance.disturbances.plan(str(asked["kind"]), TROUBLES[name], times=times, after=after)
    return {"kind": asked["kind"], "trouble": name, "times": times, "after": after}


def file(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    """Drop a file: `{"key": "trade_show/x.csv", "content": "..."}`, or a generated one with `{}`."""
    if "key" not in asked:
        return event(world, {"name": "drop_file"})
    if world.objects is None:
        raise SimulatorError("This world has no object store.")
    etag = world.objects.drop(str(asked["key"]), str(asked.get("content", "")).encode())
    return {"key": asked["key"], "etag": etag}


_ACTIONS: dict[str, Action] = {
    "pause": pause,
    "resume": resume,
    "rate": rate,
    "event": event,
    "outage": outage,
    "expire_tokens": expire_tokens,
    "trouble": trouble,
    "file": file,
}


def control_server(world: World) -> HttpServer:
    """A server that is not yet started: `GET /status`, and `POST` for each other action by its name."""
    routes = [Route("/status", _endpoint(world, status), methods=["GET"])]
    routes += [Route(f"/{name}", _endpoint(world, action), methods=["POST"]) for name, action in _ACTIONS.items()]
    return HttpServer(Starlette(routes=routes), name="simulator-control")


def _endpoint(world: World, action: Action) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        body = await request.body()
        try:
            return JSONResponse(await run_in_threadpool(action, world, _asked(body)))
        except (SimulatorError, json.JSONDecodeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return answer


def _asked(body: bytes) -> dict[str, Any]:
    asked = json.loads(body or b"{}")
    if not isinstance(asked, dict):
        raise SimulatorError("Send a JSON object.")
    return asked
