"""What can be seen of the app while it works: log lines, traces and metrics; docs/telemetry.md lists every name.

Only the API of OpenTelemetry is used. What records and exports is the platform's: the Functions worker configures Azure
Monitor where PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY is true (Learn: "Use OpenTelemetry with Azure Functions").
Where nothing does, contexts are handed on all the same, and nothing is recorded.
"""
