"""How the portal speaks: names in any case, four spellings of a tenant, results as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions import portal_form
from shared.base import strict_json
from shared.base.problems import RefusedError, refused
from shared.offboarding.request.submission import refuse_too_large
from triggers import answers
from triggers.answers import json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import azure.functions as func

Form = dict[str, Any]
"""An object of the portal with its keys in lower case: the portal itself does not spell them alike everywhere."""

_ALL_TENANTS: Final = "alltenants"


def query(req: func.HttpRequest) -> dict[str, str]:
    """Read the query with its names in lower case, as the API does."""
    return answers.query(req)


def body(req: func.HttpRequest) -> Form:
    """Read a body that should be an object; one of another shape is an empty form. Raises `RefusedError` 400, 413."""
    content = req.get_body()
    refuse_too_large(content)
    try:
        return portal_form.lowered(strict_json.loads(content or b"{}"))
    except ValueError:
        raise refused(400, "invalid_request", "The body is not valid JSON.") from None


def tenant_in(form: Mapping[str, Any]) -> str:
    """Read the tenant of a body or query: text, an option object, or brackets in the query; "" for all or none."""
    tenant = portal_form.tenant(form.get("tenantfilter"))
    tenant = tenant or str(form.get("tenantfilter[value]") or form.get("tenantfilter[label]") or "").strip()
    return "" if tenant.casefold() == _ALL_TENANTS else tenant


def text_in(form: Mapping[str, Any], *names: str) -> str:
    """Read the first of these fields that is a text or an option with one; "" where there is none."""
    return next((text for name in names if (text := portal_form.one_person(form.get(name.lower()), name))), "")


def texts_refused(error: RefusedError, correlation_id: str) -> func.HttpResponse:
    """Tell a refusal as a list of texts, each of which the wizard shows in a line of its own."""
    return _refused(error, [problem.message for problem in error.problems] or [_broke(correlation_id)])


def text_refused(error: RefusedError, correlation_id: str) -> func.HttpResponse:
    """Tell a refusal as one text, which tables, pickers and dialogs show."""
    return _refused(error, " ".join(problem.message for problem in error.problems) or _broke(correlation_id))


def _broke(correlation_id: str) -> str:
    return f"Something broke in this service; its log tells more under {correlation_id}."


def _refused(error: RefusedError, results: object) -> func.HttpResponse:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    return json_answer({"Results": results}, error.status, headers)
