"""Thin typed clients for Microsoft 365: one function per call that is used, no decisions.

Start at `cloud.Microsoft365`. What a call looks like on the wire is in `graph.graph_calls`, `exchange.exchange_cmdlets`
and `sharepoint`; how it is sent, and what can go wrong, in words for people, in `http`.
"""
