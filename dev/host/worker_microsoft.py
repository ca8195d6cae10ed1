"""Runs the app with Microsoft's own worker library, azure-functions-runtime: what it refuses, Azure refuses.

The library speaks protobuf messages but only ever reads and makes attributes, so plain objects stand in for them.
"""

import json
import os
import uuid
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions.meta import Datum

from dev.host.app import AppError, Function, describe_function
from dev.host.durable.shim_v1 import InvocationError
from dev.host.worker import WorkerLoop, thread_count

_SUCCESS = 1


class _Message(SimpleNamespace):
    """Any protobuf message: its fields are its attributes, and a oneof is the field that has been given."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        return next(iter(vars(self)), None)


class _MessageType:
    """A message class, with the constants that the library reads from some of them."""

    def __init__(self, **constants: Any) -> None:  # noqa: ANN401 - any constant
        vars(self).update(constants)

    def __call__(self, **fields: Any) -> _Message:  # noqa: ANN401 - any field
        return _Message(**fields)


class _Protos:
    """The module of message classes: every name is a class."""

    StatusResult = _MessageType(Success=_SUCCESS, Failure=0)
    BindingInfo = _MessageType(**{"in": 0, "out": 1, "inout": 2, "undefined": 0})
    RpcHttpCookie = _MessageType(
        SameSite=SimpleNamespace(**{"None": "", "Lax": "Lax", "Strict": "Strict", "ExplicitNone": "None"})
    )

    def __getattr__(self, name: str) -> _MessageType:
        return _MessageType()


class MicrosoftWorker:
    """The worker that Azure runs from Python 3.13 on."""

    def __init__(self) -> None:
        try:
            import azure_functions_runtime as runtime  # pyright: ignore[reportMissingImports] - not there before 3.13
        except ImportError as error:
            raise AppError(
                "--worker microsoft needs the package azure-functions-runtime (Python 3.13 or later)"
            ) from error
        self._runtime: Any = runtime
        self._loop = WorkerLoop()

    async def start(self) -> list[Function]:
        """Let the library import and index the app."""
        os.environ["PYTHON_THREADPOOL_THREAD_COUNT"] = str(thread_count())
        self._runtime.start_threadpool_executor()
        init = _Message(capabilities={}, function_app_directory=str(Path.cwd()))
        request = _Message(
            request=_Message(worker_init_request=init), properties={"host": "127.0.0.1", "protos": _Protos()}
        )
        await self._checked(self._runtime.worker_init_request(request))
        metadata = await self._checked(self._runtime.functions_metadata_request(request))
        functions = [
            describe_function(each.name, [json.loads(binding) for binding in each.raw_bindings])
            for each in metadata.function_metadata_results or ()
        ]
        if not functions:
            raise AppError("the worker library found no functions")
        for function in functions:
            load = _Message(function_load_request=_Message(function_id=_function_id(function)))
            await self._checked(self._runtime.function_load_request(_Message(request=load)))
        return functions

    async def invoke(self, function: Function, inputs: dict[str, Datum], traceparent: str) -> Datum | None:
        """Send an invocation request through the library."""
        invocation = _Message(
            invocation_id=str(uuid.uuid4()),
            function_id=_function_id(function),
            input_data=[_Parameter(name, _typed(datum)) for name, datum in inputs.items()],
            trigger_metadata={},
            trace_context=_Message(trace_parent=traceparent, trace_state="", attributes={}),
            retry_context=_Message(retry_count=0, max_retry_count=0, exception=None),
        )
        request = _Message(request=_Message(invocation_request=invocation))
        response = await self._loop.run(self._runtime.invocation_request(request))
        if response.result.status != _SUCCESS:
            failure = response.result.exception
            raise InvocationError(failure.message, failure.stack_trace)
        return _datum(response.return_value)

    def stop(self) -> None:
        """Leave running threads to their functions."""
        self._loop.stop()
        self._runtime.get_threadpool_executor().shutdown(wait=False, cancel_futures=True)

    async def _checked(self, request: Any) -> Any:  # noqa: ANN401 - the library's coroutines and messages
        response = await self._loop.run(request)
        if response.result.status != _SUCCESS:
            raise AppError(f"the worker library refuses the app: {response.result.exception.message}")
        return response


class _Parameter:
    """A named input; `data` is what its oneof holds."""

    def __init__(self, name: str, data: _Message) -> None:
        self.name = name
        self.data = data

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        return "data"


def _function_id(function: Function) -> str:
    """Name a function as the library itself does."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, function.name))


def _typed(datum: Datum) -> _Message:
    if datum.type != "http":
        return _Message(**{str(datum.type): datum.value})
    value = datum.value
    plain = {part: {name: each.value for name, each in value[part].items()} for part in ("headers", "params", "query")}
    body = _typed(value["body"])
    return _Message(http=_Message(method=value["method"].value, url=value["url"].value, body=body, **plain))


def _datum(message: Any) -> Datum | None:  # noqa: ANN401 - a typed-data message
    if message is None:
        return None
    kind = message.WhichOneof("data")
    if kind != "http":
        return Datum(getattr(message, kind), kind)
    answer = message.http
    return Datum(
        {
            "status_code": Datum(answer.status_code, "string"),
            "headers": {name: Datum(value, "string") for name, value in answer.headers.items()},
            "cookies": [_cookie(each) for each in answer.cookies or ()],
            "body": _datum(answer.body),
        },
        "http",
    )


def _cookie(message: Any) -> SimpleCookie:  # noqa: ANN401 - an RpcHttpCookie
    cookie = SimpleCookie({message.name: message.value})
    morsel = cookie[message.name]
    for attribute, field in (("domain", message.domain), ("path", message.path), ("max-age", message.max_age)):
        if field is not None:
            morsel[attribute] = field.value
    if message.expires is not None:
        morsel["expires"] = message.expires.value.strftime("%a, %d %b %Y %H:%M:%S GMT")
    morsel["secure"] = bool(message.secure and message.secure.value)
    morsel["httponly"] = bool(message.http_only and message.http_only.value)
    morsel["samesite"] = message.same_site
    return cookie
