"""The Azure Functions app: all that the host can call. What a function does is imported when it is called first."""

import logging
import os

import azure.durable_functions as df
import azure.functions as func

import activities.blueprint
import orchestrators.blueprint
import triggers.functions
from shared.app import host_settings, settings
from shared.base.telemetry import logs

logs.quiet_libraries()
logs.set_up(settings.secret_values(os.environ))
if logging.root.handlers and (problem := host_settings.host_problem(os.environ)):
    logging.getLogger("triggers").error(problem)

asked = func.AuthLevel.FUNCTION if settings.requires_function_key(os.environ) else func.AuthLevel.ANONYMOUS
app = df.DFApp(http_auth_level=asked)
app.register_functions(triggers.functions.build())
app.register_functions(orchestrators.blueprint.build())
app.register_functions(activities.blueprint.build())
