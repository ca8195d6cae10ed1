"""Sending to addresses that people configure: guarded, with an answer or a `DeliveryError`."""
