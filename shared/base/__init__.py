"""What every other folder may use: time, logs, threads, traces and metrics, refusals, identifiers. Knows no domain.

`tracing` and `metrics` use the API of OpenTelemetry only; docs/telemetry.md lists every name. What records and exports
is the platform's: the Functions worker configures Azure Monitor where PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY is
true (Learn: "Use OpenTelemetry with Azure Functions"). Where nothing does, contexts are handed on all the same, and
nothing is recorded.
"""
