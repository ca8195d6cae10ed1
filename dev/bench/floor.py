"""The machine's own floor: the graph of a run with activities that do nothing, so that seconds can be compared."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dev.processes import ROOT, StackError, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.stack import Stack
    from shared.actions.plan import Node

_APP: Final = Path(__file__).with_name("floor_app.py")
_TIMES: Final = 5


def measure(stack: Stack, nodes: Sequence[Node]) -> float:
    """Return the median of the seconds that runs of `nodes` take; the stack's app is another one afterwards."""
    root = stack.folder / "floor"
    root.mkdir()
    shutil.copy(ROOT / "host.json", root)
    shutil.copy(_APP, root / "function_app.py")
    (root / "nodes.json").write_text(json.dumps([node.to_json() for node in nodes]), encoding="utf-8")
    stack.deploy(root)
    _run(stack, "warm")  # the first imports and connects
    return statistics.median(_run(stack, f"floor{number}") for number in range(_TIMES))


def _run(stack: Stack, instance: str) -> float:
    began = time.monotonic()
    stack.post(f"/api/floor/{instance}").raise_for_status()
    wait_until(lambda: stack.has_run_ended(instance), 60, "a run without work ended")
    seconds = time.monotonic() - began
    if (status := stack.status_of_run(instance)) != "Completed":
        raise StackError(f"A run without work ended as {status}.\n{stack.children['host'].tail()}")
    return seconds
