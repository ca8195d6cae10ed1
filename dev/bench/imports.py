"""What a cold start pays for the app's own code: import times in fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys

from dev.processes import ROOT

_TIMES = 9
_CODE = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
_APP = "function_app"
_SDKS = "azure.functions, azure.durable_functions"


def measure() -> dict[str, float]:
    """Return the medians in milliseconds, and how many times as long the app takes as the two Functions SDKs."""
    for modules in (_APP, _SDKS):
        _import(modules)  # compiles
    taken: dict[str, list[float]] = {_APP: [], _SDKS: []}
    for _ in range(_TIMES):
        # In turns, so that a busy moment of the machine meets both.
        for modules, seconds in taken.items():
            seconds.append(_import(modules))
    app, sdks = (1000 * statistics.median(seconds) for seconds in taken.values())
    return {"function_app_ms": round(app, 1), "sdks_ms": round(sdks, 1), "times_sdks": round(app / sdks, 2)}


def _import(modules: str) -> float:
    command = [sys.executable, "-c", _CODE.format(modules)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
