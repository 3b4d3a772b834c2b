"""singer-io's tap-salesforce 2.8.1 as published, its login host pointed at the server of this benchmark.

Run in an environment of its own: `python singer_tap.py URL --config FILE --properties FILE`; JSON lines on standard
output.
"""

from __future__ import annotations

import sys
from typing import Any

import requests
import tap_salesforce

LOGIN_HOST = "https://login.salesforce.com"


def main() -> None:
    """Run the tap's own entry point."""
    url = sys.argv.pop(1)
    send = requests.Session.request

    def redirected(session: requests.Session, method: str, address: str, **options: Any) -> requests.Response:
        return send(session, method, address.replace(LOGIN_HOST, url, 1), **options)

    requests.Session.request = redirected  # type: ignore[method-assign]
    tap_salesforce.main()


if __name__ == "__main__":
    main()
