"""Tickets in the systems with which service providers bill and plan."""
