"""Our REST API described as OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.app import services
from shared.base.problems import refused
from triggers.answers import html_answer, json_answer
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller


@route("GET openapi.json")
def describe_api(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Describe this API as OpenAPI 3.1."""
    from triggers.openapi.document import document

    del req, caller
    return json_answer(document(services.current().settings.public_url))


@route("GET docs")
def show_api(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Show the description of this API as a page, where the settings allow it."""
    from triggers.openapi.document import document
    from triggers.openapi.page import page

    del req, caller
    settings = services.current().settings
    if not settings.api_page:
        raise refused(404, "not_found", "The setting API_PAGE does not allow this page.")
    return html_answer(page(document(settings.public_url)))
