"""Recorded answers of the services, and what is made of them."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pytest
import requests

from shared.microsoft365.graph import graph_calls, permissions_needed
from shared.microsoft365.http.error_rules import SIGN_IN
from shared.microsoft365.http.errors import (
    Category,
    MicrosoftError,
    from_csom,
    from_exchange,
    from_graph,
    from_oauth,
    from_sharepoint,
    retry_after_seconds,
    warning_category,
)
from shared.microsoft365.http.transport import from_transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.microsoft365.graph.graph_calls import GraphCall

ON_PREMISES_GRAPH = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently "
    "undergoing migration."
)
ON_PREMISES_EXCHANGE = (
    "The operation on mailbox 'a' failed because it's out of the current user's write scope. The action 'Set-Mailbox', "
    "'HiddenFromAddressListsEnabled', can't be performed on the object 'a' because the object is being "
    "synchronized from your on-premises organization."
)
DEFAULT_METHOD = (
    "This method matches the user's current default authentication method, and cannot be deleted until the default "
    "authentication method is changed."
)


def graph_body(code: str, message: str) -> dict[str, object]:
    inner = {"date": "2026-01-01T00:00:00", "request-id": "r-1", "client-request-id": "c-1"}
    return {"error": {"code": code, "message": message, "innerError": inner}}


def exchange_body(exception: str, text: str, **inner: object) -> dict[str, object]:
    return {
        "error": {
            "code": "BadRequest",
            "message": "Error executing request. See details for more information.",
            "details": [{"code": "Client", "target": "", "message": f"Ex6F9304|Microsoft.Exchange.{exception}|{text}"}],
            **inner,
        }
    }


@pytest.mark.parametrize(
    ("status", "code", "message", "category", "retryable"),
    [
        (404, "Request_ResourceNotFound", "Resource 'x' does not exist.", "not_found", None),
        (404, "itemNotFound", "User's mysite not found.", "not_provisioned", None),
        (400, "BadRequest", "Unable to retrieve user's mysite URL.", "not_provisioned", None),
        (400, "BadRequest", "Tenant does not have a SPO license.", "not_licensed", None),
        (400, "BadRequest", "Skype for Business is not provisioned for this tenant.", "not_provisioned", None),
        (404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive or on-premises.", "not_provisioned", None),
        (
            400,
            "Request_BadRequest",
            "User license is inherited from a group membership and it cannot be removed directly from the user.",
            "inherited_license",
            None,
        ),
        (
            400,
            "Request_BadRequest",
            ON_PREMISES_GRAPH,
            "on_prem_mastered",
            None,
        ),
        (
            400,
            "badRequest",
            DEFAULT_METHOD,
            "default_method",
            None,
        ),
        (
            400,
            "badRequest",
            "Cannot delete default method with other methods configured. Please change default method before deletion.",
            "default_method",
            None,
        ),
        (400, "Request_BadRequest", "Invalid object identifier.", "invalid", None),
        (401, "InvalidAuthenticationToken", "Lifetime validation failed.", "auth_token", None),
        (403, "Authorization_RequestDenied", "Insufficient privileges.", "auth_permission", None),
        (403, "accessDenied", "Access denied", "auth_permission", None),
        (409, "Request_Conflict", "Another object is there.", "conflict", "transient"),
        (409, "Directory_ConcurrencyViolation", "Concurrency violation.", "transient", "transient"),
        (412, "preconditionFailed", "ETag", "conflict", "transient"),
        (423, "resourceLocked", "The resource is locked.", "conflict", None),
        (424, "FailedDependency", "", "transient", "transient"),
        (429, "TooManyRequests", "", "throttled", "throttled"),
        (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", "throttled", "throttled"),
        (500, "generalException", "", "transient", "transient"),
        (509, "bandwidthLimitExceeded", "", "transient", "transient"),
        (302, "", "", "unknown", None),
    ],
)
def test_graph(status: int, code: str, message: str, category: str, retryable: str | None) -> None:
    error = from_graph(status, {}, graph_body(code, message))

    assert (error.service, error.category, error.retryable) == ("graph", category, retryable)
    assert (error.status, error.code, error.request_id) == (status, code, "r-1")
    assert message in str(error)


@pytest.mark.parametrize(
    ("status", "exception", "text", "category"),
    [
        (
            404,
            "Configuration.Tasks.ManagementObjectNotFoundException",
            "The operation couldn't be performed because object 'x' couldn't be found on 'y'.",
            "not_found",
        ),
        (400, "Whatever", "The mailbox couldn\u2019t be found.", "not_found"),
        (400, "Configuration.Tasks.ManagementObjectAmbiguousException", "The operation is ambiguous.", "invalid"),
        (400, "Management.MemberNotFoundException", "The recipient isn't a member of the group.", "already_done"),
        (
            404,
            "Management.StoreTasks.UserNotFoundInPermissionEntryException",
            "There is no existing permission entry found for user: Ann.",
            "already_done",
        ),
        (
            400,
            "X",
            "An existing permission entry was found: the appropriate access control entry is already present on it.",
            "already_done",
        ),
        (
            400,
            "Configuration.RecipientTasks.RecipientTaskException",
            ON_PREMISES_EXCHANGE,
            "on_prem_mastered",
        ),
        (400, "X", "'a' isn't within a valid server write scope.", "auth_role"),
        (400, "X", "The role is not present in the role definition of the current user.", "auth_role"),
        (400, "System.Management.Automation.CommandNotFoundException", "The term 'Get-X'.", "auth_role"),
        (400, "X", "Too many requests. Please wait.", "throttled"),
        (400, "X", "Resource temporarily unavailable.", "transient"),
        (400, "X", "The server is busy, try again later.", "transient"),
        (400, "X", "Cannot process argument.", "invalid"),
        (400, "X", "The name is not valid. Check the spelling and try again.", "invalid"),
        (500, "X", "Internal.", "transient"),
        (504, "X", "", "transient"),
    ],
)
def test_exchange(status: int, exception: str, text: str, category: str) -> None:
    error = from_exchange(status, {"request-id": "r-2"}, exchange_body(exception, text))

    assert (error.category, error.status, error.code) == (category, status, "Ex6F9304")
    assert error.exception_type == exception.rpartition(".")[2]
    assert error.request_id == "r-2"
    assert text in error.message


@pytest.mark.parametrize(
    ("call", "permission", "needs_role"),
    [
        (graph_calls.send_mail("ada@example.com", {}), "Mail.Send", False),
        (graph_calls.disable_user("x"), "User.EnableDisableAccount.All", True),
        (graph_calls.set_password("x", "y"), "User-PasswordProfile.ReadWrite.All", True),
        (graph_calls.delete_user("x"), "User.DeleteRestore.All", True),
        (graph_calls.revoke_sessions("x"), "User.RevokeSessions.All", False),
        (graph_calls.remove_group_member("g", "x"), "GroupMember.ReadWrite.All", False),
        (graph_calls.assign_license("x", ["s"]), "LicenseAssignment.ReadWrite.All", False),
        (graph_calls.get_drive("x"), "Files.Read.All", False),
        (graph_calls.get_user("x"), "Directory.Read.All", False),
        (graph_calls.list_relationships(), "DelegatedAdminRelationship.Read.All", False),
    ],
)
def test_a_call_that_is_not_allowed_names_what_it_needs(call: GraphCall, permission: str, needs_role: bool) -> None:  # noqa: FBT001
    error = from_graph(403, {}, {"error": {"code": "Forbidden"}}, permissions_needed.advice(call))

    assert f"Grant the app {permission} (Microsoft Graph)" in error.message
    assert ("Privileged Authentication Administrator" in error.message) is needs_role


def test_a_certificate_that_has_expired_is_told_as_expired() -> None:
    said = "AADSTS700027: The certificate with identifier used to sign the client assertion is expired on application."

    assert "has expired" in from_oauth(401, {}, {"error": "invalid_client", "error_description": said}).message


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_sign_in_that_is_temporarily_unavailable_is_tried_again_whatever_the_status(status: int) -> None:
    said = {"error": "temporarily_unavailable", "error_description": "AADSTS90033: A transient error has occurred."}

    assert from_oauth(status, {}, said).retryable == "transient"


@pytest.mark.parametrize(("outer", "inner"), [("innererror", "internalexception"), ("innerError", "internalException")])
def test_exchange_says_most_in_its_inner_exception(outer: str, inner: str) -> None:
    nested = {outer: {"message": "Error executing cmdlet", inner: {"message": "What really happened.", "type": "A.B"}}}

    assert "What really happened." in from_exchange(400, {}, exchange_body("X", "less", **nested)).message
    assert from_exchange(400, {}, {"error": nested}).exception_type == "B"


@pytest.mark.parametrize(
    ("from_answer", "status", "category", "words"),
    [
        (from_exchange, 401, "auth_permission", "Exchange.ManageAsApp"),
        (from_exchange, 403, "auth_role", "Exchange Administrator"),
        (from_graph, 403, "auth_permission", "Privileged Authentication Administrator"),
        (from_graph, 502, "transient", "not available"),
        (from_sharepoint, 401, "auth_permission", "Sites.FullControl.All"),
        (from_sharepoint, 404, "not_found", "does not exist"),
        (from_oauth, 503, "transient", "not available"),
        (from_oauth, 429, "throttled", "limiting requests"),
        (from_oauth, 400, "auth_token", "cannot sign in"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 64,
        b"<html><body>Service unavailable</body></html>",
        b'{"error": {"code": "a',
        b"[]",
        b'"text"',
        b"null",
    ],
)
def test_bodies_that_are_no_errors(
    from_answer: Callable[..., MicrosoftError], status: int, category: str, words: str, body: object
) -> None:
    error = from_answer(status, {}, body)

    assert error.category == category
    assert words in error.message
    assert "\0" not in error.message
    assert "<html>" not in error.message


@pytest.mark.parametrize(
    ("status", "text", "category"),
    [
        (404, "The specified user i:0#.f|membership|a@x could not be found.", "not_licensed"),
        (401, "Unsupported app only token.", "auth_token"),
        (403, "Access denied. You do not have permission.", "auth_permission"),
        (423, "Access to this site has been blocked.", "conflict"),
        (429, "", "throttled"),
        (500, "Something.", "transient"),
    ],
)
def test_sharepoint_in_both_envelopes(status: int, text: str, category: str) -> None:
    message = {"lang": "en-US", "value": text}
    code = "-2146232832, Microsoft.SharePoint.SPException"

    for envelope in ("odata.error", "error"):
        error = from_sharepoint(status, {"sprequestguid": "r"}, {envelope: {"code": code, "message": message}})
        assert (error.category, error.code, error.exception_type) == (category, "-2146232832", "SPException")
        assert error.request_id == "r"


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Attempted to perform an unauthorized operation.", "auth_role"),
        ("Cannot get site https://contoso-my.sharepoint.com/personal/x.", "not_found"),
        ("Value does not fall within the expected range.", "invalid"),
    ],
)
def test_csom(text: str, category: str) -> None:
    info = {
        "ErrorMessage": text,
        "ErrorValue": None,
        "TraceCorrelationId": "t-1",
        "ErrorCode": -2147024891,
        "ErrorTypeName": "System.UnauthorizedAccessException",
    }
    error = from_csom({}, info)

    assert (error.category, error.code, error.request_id) == (category, "-2147024891", "t-1")
    assert error.exception_type == "UnauthorizedAccessException"


@pytest.mark.parametrize("number", SIGN_IN)
def test_every_known_sign_in_error_says_what_to_do(number: int) -> None:
    text = f"AADSTS{number}: Details. Trace ID: t-1 Correlation ID: c-1 Timestamp: 2026-01-01"
    body = {"error": "invalid_client", "error_description": text, "error_codes": [number], "trace_id": "t-1"}
    category, advice = SIGN_IN[number]

    error = from_oauth(400, {}, json.dumps(body).encode())

    assert (error.category, error.code, error.request_id) == (category, f"AADSTS{number}", "t-1")
    assert error.message == f"{advice} (Microsoft Entra sign-in answered 400 AADSTS{number}: AADSTS{number}: Details.)"


def test_a_service_principal_in_the_making_is_waited_for() -> None:
    error = from_oauth(400, {}, {"error": "invalid_client", "error_description": "AADSTS650051: in the making"})
    assert (error.retryable, error.retry_after) == ("transient", 30.0)


def test_an_unknown_sign_in_error() -> None:
    error = from_oauth(400, {}, {"error": "invalid_client", "error_description": "AADSTS1234567: Who knows."})
    assert (error.category, error.code) == (Category.auth_token, "AADSTS1234567")
    assert "Who knows." in error.message


@pytest.mark.parametrize(
    ("exception", "category", "words"),
    [
        (requests.ConnectTimeout(), "transient", "cannot be reached"),
        (requests.ReadTimeout(), "transient", "did not answer in time"),
        (requests.ConnectionError("GET https://x/?secret=canary"), "transient", "failed or broke off"),
        (requests.exceptions.SSLError(), "transient", "REQUESTS_CA_BUNDLE"),
        (requests.exceptions.ChunkedEncodingError(), "transient", "broke off"),
        (requests.exceptions.InvalidHeader(), "invalid", "not valid"),
    ],
)
def test_no_answer_at_all(exception: requests.RequestException, category: str, words: str) -> None:
    error = from_transport("graph", exception)

    assert (error.category, error.status, error.code) == (category, None, type(exception).__name__)
    assert words in error.message
    assert "canary" not in error.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 30.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:07 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds
    assert from_graph(429, headers, b"").retry_after == seconds


@pytest.mark.parametrize(
    ("warning", "category"),
    [
        ("The command completed successfully but no settings of 'a' have been modified.", "already_done"),
        ("Can't remove the access control entry because the ACE doesn\u2019t exist on the object.", "already_done"),
        ("Can't remove it because the ACE isn't present.", "already_done"),
        ("The appropriate access control entry is already present on the object.", "already_done"),
        ("Micro delay applied. Actual delayed: 21956 msecs.", "throttled"),
        ("The mailbox is large.", None),
    ],
)
def test_warnings_that_mean_something(warning: str, category: str | None) -> None:
    assert warning_category(warning) == category


@pytest.mark.parametrize(
    "leak",
    [
        "Bearer canary-1234",
        "eyJhbGciOiJSUzI1NiJ9.canary.canary",
        "client_secret=canary",
        '"password":"canary"',
        "access_token: canary",
    ],
)
def test_no_secret_gets_into_a_message(leak: str) -> None:
    error = from_graph(400, {}, graph_body("Request_BadRequest", f"Sent was {leak} indeed."))

    assert "canary" not in error.message
    assert "[removed]" in error.message
    assert "indeed" in error.message


def test_a_message_is_one_line_of_bearable_length() -> None:
    error = from_graph(400, {}, graph_body("Request_BadRequest", "long\r\n\x1b[31m" * 1000))

    assert error.message.isprintable()
    assert len(error.message) < 600


def test_an_error_survives_pickling() -> None:
    error = from_graph(429, {"Retry-After": "3"}, graph_body("TooManyRequests", "slow"))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own

    assert isinstance(copy, MicrosoftError)
    assert vars(copy) == vars(error)
