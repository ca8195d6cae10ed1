"""A function app that uses everything the development host serves."""

import json
import os
import signal
import time
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Flow = Generator[Any, Any, Any]
app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
_now: list[Callable[[], datetime]] = []


def set_clock(now: Callable[[], datetime]) -> None:
    _now.append(now)


def note(kind: str, text: object) -> None:
    """Leave a line in the file that tests read: what ran, seen from outside the host."""
    with Path(os.environ["SAMPLE_LOG"]).open("a") as log:
        log.write(f"{kind} {text}\n")


@app.route(route="echo/{name}/{number:int?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def echo(req: func.HttpRequest) -> func.HttpResponse:
    answer = {
        "params": dict(req.route_params),
        "query": dict(req.params),
        "agent": req.headers.get("user-agent"),
        "body": req.get_body().decode(),
        "url": req.url,
        "now": _now[0]().isoformat() if _now else None,
        "settings": [os.environ["SAMPLE_HUB"], os.environ["FROM_FILE"]],
    }
    response = func.HttpResponse(json.dumps(answer), mimetype="application/json", status_code=201)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2")
    return response


@app.route(route="guarded", methods=["GET"])
def guarded(req: func.HttpRequest) -> str:  # noqa: ARG001 - a binding
    return "open"


@app.route(route="master", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
async def master(req: func.HttpRequest) -> str:  # noqa: ARG001 - a binding
    return "open"


@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
def broken(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - a binding
    raise ValueError("boom")


@app.route(route="call/{method}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.durable_client_input(client_name="client")
async def call(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Call a method of the SDK's client with the keyword arguments of the body."""
    arguments = req.get_json()
    method = req.route_params["method"]
    if method == "check_status":
        return client.create_check_status_response(req, arguments["instance_id"])
    for name in ("created_time_from", "created_time_to"):
        if name in arguments:
            arguments[name] = datetime.fromisoformat(arguments[name])
    if "runtime_status" in arguments:
        arguments["runtime_status"] = [df.OrchestrationRuntimeStatus(each) for each in arguments["runtime_status"]]
    try:
        answer = await getattr(client, method)(**arguments)
    except Exception as error:  # noqa: BLE001 - the SDK raises bare exceptions
        return func.HttpResponse(json.dumps({"error": str(error)}), status_code=409, mimetype="application/json")
    return func.HttpResponse(json.dumps(plain(answer)), mimetype="application/json")


@app.route(route="trace/{instance}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.durable_client_input(client_name="client")
async def trace(req: func.HttpRequest, client: df.DurableOrchestrationClient, context: func.Context) -> str:
    """Start an orchestration in the trace of the request, and tell what the host said of that."""
    traceparent = context.trace_context.trace_parent
    token = attach(TraceContextTextMapPropagator().extract({"traceparent": traceparent}))
    await client.start_new("traced", req.route_params["instance"])
    detach(token)
    return traceparent


@app.activity_trigger(input_name="item")
def traceparent_of(item: str, context: func.Context) -> str:  # noqa: ARG001 - a binding
    return context.trace_context.trace_parent


@app.orchestration_trigger(context_name="context")
def traced(context: df.DurableOrchestrationContext) -> Flow:
    first = yield context.call_activity("traceparent_of", "")
    return [first, (yield context.call_activity("traceparent_of", ""))]


def plain(answer: object) -> object:
    if isinstance(answer, list):
        return [plain(each) for each in answer]
    if isinstance(answer, DurableOrchestrationStatus):
        return {**answer.to_json(), "history": getattr(answer, "historyEvents", None)} if answer else None
    if hasattr(answer, "instances_deleted"):
        return answer.instances_deleted
    return answer


@app.timer_trigger(arg_name="timer", schedule="%SAMPLE_SCHEDULE%")
def nightly(timer: func.TimerRequest) -> None:
    """Leave a note, and end only when the gate is open, where there is one."""
    note("nightly", json.dumps({"past_due": timer.past_due, "next": timer.schedule_status["Next"]}))
    gate = os.environ.get("SAMPLE_GATE")
    while gate and not Path(gate).exists():
        time.sleep(0.01)


@app.activity_trigger(input_name="item")
def work(item: dict) -> object:
    """Take a while, fail or answer as told, and leave a note."""
    note("work", item.get("id"))
    if item.get("fail_until"):
        count = Path(os.environ["SAMPLE_LOG"]).read_text().splitlines().count(f"work {item['id']}")
        if count < item["fail_until"]:
            raise ValueError(f"attempt {count}")
    while item.get("gate") and not Path(item["gate"]).exists():
        time.sleep(0.01)
    if "fail" in item:
        raise ValueError(item["fail"])
    return item.get("answer")


@app.activity_trigger(input_name="item")
async def work_async(item: int) -> int:
    return item * 2


@app.orchestration_trigger(context_name="context")
def nothing(context: df.DurableOrchestrationContext) -> object:
    return context.get_input()


@app.orchestration_trigger(context_name="context")
def sequence(context: df.DurableOrchestrationContext) -> Flow:
    """Run the items one after the other, telling how far it is; failures become texts."""
    answers = []
    for index, item in enumerate(context.get_input()):
        context.set_custom_status({"done": index})
        try:
            answers.append((yield context.call_activity("work", item)))
        except Exception as error:  # noqa: BLE001 - the SDK raises bare exceptions
            answers.append(str(error).split(" \n ")[0])
    return answers


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext) -> Flow:
    results = yield context.task_all([context.call_activity("work_async", n) for n in range(context.get_input())])
    return sum(results)


@app.orchestration_trigger(context_name="context")
def stubborn(context: df.DurableOrchestrationContext) -> Flow:
    options = df.RetryOptions(first_retry_interval_in_milliseconds=5000, max_number_of_attempts=3)
    tasks = [context.call_activity_with_retry("work", options, item) for item in context.get_input()]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context", orchestration=os.environ.get("SAMPLE_PATIENT"))
def patient(context: df.DurableOrchestrationContext) -> Flow:
    """Wait for an event or an hour, whichever comes first."""
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([event, timer])
    if winner == event:
        timer.cancel()
        return {"event": json.loads(event.result)}
    return {"at": context.current_utc_datetime.isoformat()}


@app.orchestration_trigger(context_name="context")
def faulty(context: df.DurableOrchestrationContext) -> Flow:
    """End in the way the input names."""
    kind = context.get_input()
    if kind == "unknown":
        yield context.call_activity("no_such_activity", None)
    if kind == "sub":
        yield context.call_sub_orchestrator("nothing")
    if kind == "new":
        context.continue_as_new(1)
        return
    if kind == "entity":
        yield context.call_entity(df.EntityId("counter", "1"), "get")
    if kind == "http":
        yield context.call_http("GET", "http://localhost")
    if kind == "changed":
        # What a deploy in mid-run does: the same code position calls something else.
        changed = Path(os.environ["SAMPLE_LOG"] + ".changed").exists()
        yield context.call_activity("work_async" if changed else "work", 1 if changed else {"id": "changed"})
        yield context.wait_for_external_event("go")
    raise KeyError("missing")


@app.route(route="suicide", auth_level=func.AuthLevel.ANONYMOUS)
def suicide(req: func.HttpRequest) -> str:  # noqa: ARG001 - a binding
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _wait_in_turn(gate: str) -> None:
    """Keep a turn going, as no orchestrator should."""
    note("work", "turn")
    while not Path(gate).exists():
        time.sleep(0.01)


@app.orchestration_trigger(context_name="context")
def slow(context: df.DurableOrchestrationContext) -> Flow:
    _wait_in_turn(context.get_input())
    yield context.call_activity("work", {"id": "slow"})


@app.orchestration_trigger(context_name="context")
def slow_later(context: df.DurableOrchestrationContext) -> Flow:
    yield context.call_activity("work", {"id": "slow"})
    _wait_in_turn(context.get_input())


@app.route(route="size", auth_level=func.AuthLevel.ANONYMOUS)
def size(req: func.HttpRequest) -> str:
    return str(len(req.get_body()))


@app.route(route="header", auth_level=func.AuthLevel.ANONYMOUS)
def header(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("", headers={"X-Value": req.params["value"]})
