"""What every other folder may use: time, logs, threads, traces and metrics, refusals, identifiers. Knows no domain."""
