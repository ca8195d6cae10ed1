"""An Azure Functions host in one process, for development and tests.

It serves the Python v2 programming model: HTTP functions with their keys, NCRONTAB timers, and Durable Functions by the
protocol of the 1.x SDK (activities, retries, timers, external events, custom status, management API), kept in SQLite.

What it does not serve fails loudly. At the start: other triggers and bindings, route constraints it does not know. At
run time, by failing the instance: sub-orchestrations, continue_as_new, entities, call_http. With 501: rewind, restart.

It departs from Azure on purpose where Azure hides a mistake: an unknown activity fails its instance instead of leaving
it in Running, and so do task numbers of the SDK that have come out of step with the history.
"""
