"""Deterministic code: no clock, no randomness, no I/O, no settings. What it needs comes from activities."""
