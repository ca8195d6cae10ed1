"""Our REST API described as OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.app import services
from triggers.answers import json_answer
from triggers.routing import route

if TYPE_CHECKING:
    import azure.functions as func

    from shared.access.caller import Caller

blueprint = df.Blueprint()


@route(blueprint, "GET openapi.json")
def describe_api(req: func.HttpRequest, caller: Caller) -> func.HttpResponse:
    """Describe this API as OpenAPI 3.1."""
    from triggers.openapi.document import document

    del req, caller
    return json_answer(document(services.current().settings.public_url))
