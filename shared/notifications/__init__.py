"""Telling people and systems how an offboarding ended."""
