"""Receivers that behave like those of notifications: chats, webhooks and PSA systems, and record what arrives."""

from dev.sinks.process import Sinks, arrived

__all__ = ["Sinks", "arrived"]
