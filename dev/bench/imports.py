"""What a cold start pays for the app's own code: import times in fresh processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

from dev.processes import ROOT

AIM = 1.25
_TIMES = 9
_CODE = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
_APP = "function_app"
_SDKS = "azure.functions, azure.durable_functions"


def measure() -> dict[str, float]:
    """Return the medians in milliseconds, and how many times as long the app takes as the two Functions SDKs.

    Both are measured as bytecode: installers compile libraries, nobody else's setting may keep the app from it.
    """
    taken: dict[str, list[float]] = {_APP: [], _SDKS: []}
    with tempfile.TemporaryDirectory() as bytecode:
        for modules in taken:
            _import(modules, bytecode)
        for _ in range(_TIMES):
            # In turns, so that a busy moment of the machine meets both.
            for modules, seconds in taken.items():
                seconds.append(_import(modules, bytecode))
    app, sdks = (1000 * statistics.median(seconds) for seconds in taken.values())
    return {
        "function_app_ms": round(app, 1),
        "sdks_ms": round(sdks, 1),
        "times_sdks": round(app / sdks, 2),
        "times_sdks_aim": AIM,
    }


def _import(modules: str, bytecode: str) -> float:
    command = [sys.executable, "-c", _CODE.format(modules)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(ran.stdout)
