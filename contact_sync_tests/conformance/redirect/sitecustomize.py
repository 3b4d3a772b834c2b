"""Leads every host of Salesforce to the simulated org on this machine: Python imports this before a client starts."""

from __future__ import annotations

import os
import socket
from typing import Any

_resolve = socket.getaddrinfo


def _redirected(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
    if str(host).endswith(".salesforce.com"):
        return _resolve("127.0.0.1", int(os.environ["SIMULATED_ORG_PORT"]), *arguments, **options)
    return _resolve(host, port, *arguments, **options)


socket.getaddrinfo = _redirected
