"""How the services refuse: one exception per error shape, raised by handlers and turned into replies at each front."""

from __future__ import annotations

import uuid
import zlib
from typing import TYPE_CHECKING, Any

from dev.tenant.messages import Reply, now

if TYPE_CHECKING:
    from dev.tenant.messages import Json


class Refusal(Exception):  # noqa: N818 - what a service answers, not a failure of the simulator
    """Any answer but the one hoped for; `unknown` marks calls that the simulation does not know at all."""

    unknown = False

    def reply(self) -> Reply:
        """Turn it into an answer."""
        raise NotImplementedError


class GraphError(Refusal):
    """The error body of Graph (microsoft.graph.publicError on Learn)."""

    def __init__(self, status: int, code: str, message: str, *, unknown: bool = False, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.unknown = status, code, message, unknown
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(self) -> Reply:
        """Turn it into an answer."""
        return Reply(self.status, graph_body(self.code, self.message), self.headers)


def graph_body(code: str, message: str) -> dict[str, Any]:
    """Write the error body of Graph."""
    request_id = str(uuid.uuid4())
    inner = {"date": now()[:19], "request-id": request_id, "client-request-id": request_id}
    return {"error": {"code": code, "message": message, "innerError": inner}}


def denied() -> GraphError:
    """Refuse for want of a permission or a role."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def missing(object_id: str) -> GraphError:
    """Say that a directory object does not exist."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def bad_request(message: str, *, unknown: bool = False) -> GraphError:
    """Refuse what was asked of the directory."""
    return GraphError(400, "Request_BadRequest", message, unknown=unknown)


def on_premises() -> GraphError:
    """Refuse to change what Active Directory is the master of."""
    return bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration."
    )


class ExchangeError(Refusal):
    """The error body of Exchange's REST door: the exception type stands between pipes in the first detail."""

    def __init__(self, exception: str, message: str, status: int = 400, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.exception, self.message, self.status, self.unknown = exception, message, status, unknown

    def reply(self) -> Reply:
        """Turn it into an answer."""
        kind = self.exception.rsplit(".", 1)[-1]
        detail = f"Ex{zlib.crc32(self.exception.encode()) & 0xFFFFFF:06X}|{self.exception}|{self.message}"
        body = {
            "error": {
                "code": "NotFound" if self.status == 404 else "BadRequest",  # noqa: PLR2004 - HTTP
                "message": "Error executing request. See details for more information.",
                "details": [{"code": "Context", "target": "", "message": detail}],
                "innererror": {
                    "message": "Error executing cmdlet",
                    "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                    "stacktrace": "",
                    "internalexception": {"message": self.message, "type": self.exception, "stacktrace": ""},
                },
            }
        }
        return Reply(self.status, body, {"x-ExceptionType": kind, "request-id": str(uuid.uuid4())})


def not_found(identity: object) -> ExchangeError:
    """Say that no object has this identity."""
    return ExchangeError(
        "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
        f"The operation couldn't be performed because object '{identity}' couldn't be found on "
        "'EURPR01A001DC01.EURPR01A001.PROD.OUTLOOK.COM'.",
        404,
    )


class SharePointError(Refusal):
    """The error body of SharePoint's REST service."""

    def __init__(self, status: int, code: str, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.unknown = status, code, message, unknown

    def reply(self) -> Reply:
        """Turn it into an answer."""
        body = {"odata.error": {"code": self.code, "message": {"lang": "en-US", "value": self.message}}}
        return Reply(self.status, body)


class PlainError(Refusal):
    """An answer without the service's usual body."""

    def __init__(self, status: int, body: Json = None, **headers: str) -> None:
        super().__init__(status)
        self.status, self.body = status, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(self) -> Reply:
        """Turn it into an answer."""
        return Reply(self.status, self.body, self.headers)


class LoginError(Refusal):
    """The error body of the token endpoint (Microsoft Entra authentication error codes on Learn)."""

    def __init__(self, number: int, message: str, error: str = "invalid_client", status: int = 400) -> None:
        super().__init__(message)
        self.number, self.message, self.error, self.status = number, message, error, status

    def reply(self) -> Reply:
        """Turn it into an answer."""
        trace, correlation = uuid.uuid4(), uuid.uuid4()
        body = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.message} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {now()[:19]}Z",
            "error_codes": [self.number],
            "timestamp": f"{now()[:19]}Z",
            "trace_id": str(trace),
            "correlation_id": str(correlation),
        }
        return Reply(self.status, body)


def out_of_scope(cmdlet_name: str, parameter: str, name: str) -> ExchangeError:
    """Refuse to change what Active Directory masters; the text is known, the exception type published nowhere."""
    return ExchangeError(
        "Microsoft.Exchange.Data.Directory.ADOperationException",
        f"The operation on mailbox \"{name}\" failed because it's out of the current user's write scope. The action "
        f"'{cmdlet_name}', '{parameter}', can't be performed on the object '{name}' because the object is being "
        "synchronized from your on-premises organization. This action should be performed on the object in your "
        "on-premises organization.",
    )
