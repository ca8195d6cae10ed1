"""Durable Functions: engine.py decides, store.py remembers, shim_v1.py speaks to the 1.x SDK, api.py to clients."""
