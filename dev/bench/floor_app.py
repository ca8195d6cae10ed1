"""An app whose activities do nothing: what the machine, the host and the SDK take for the graph of a run alone.

`dev.bench.floor` copies it beside the app's host.json and `nodes.json`, the plan of the run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

import orchestrators.blueprint

if TYPE_CHECKING:
    from collections.abc import Callable

_NODES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("nodes.json").read_text(encoding="utf-8"))
_ANSWERS: dict[str, Any] = {
    "begin_run": {"nodes": _NODES, "settled": {}, "patience_seconds": 60},
    "finish_run": {"state": "Completed"},
}

app = df.DFApp()
app.register_functions(orchestrators.blueprint.build())


def _activity(name: str) -> Callable[[Any], Any]:
    def run(order: Any) -> Any:  # noqa: ANN401 - as the app's own
        del order
        return _ANSWERS.get(name, {"settled": "done"})

    run.__name__ = name
    return run


for _name in [*_ANSWERS, *(node["name"] for node in _NODES)]:
    app.activity_trigger(input_name="order")(_activity(_name))


@app.route("floor/{instance}", methods=["POST"])
@app.durable_client_input("client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start a run."""
    instance = req.route_params["instance"]
    await client.start_new("offboard_user", instance, {"id": instance, "run": 1})
    return func.HttpResponse(status_code=202)
