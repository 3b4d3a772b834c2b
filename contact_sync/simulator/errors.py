"""The one error that starting or steering the simulator can raise.

Errors that a simulated system answers on the wire are not here: each protocol has its own (salesforce/faults.py).
"""

from __future__ import annotations


class SimulatorError(Exception):
    """The simulator could not do what it was asked; the message says what to do next."""
