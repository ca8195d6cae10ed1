"""Thin typed clients for Microsoft 365: one function per call that is used, no decisions.

Start at `cloud.Microsoft365`. What a call looks like on the wire is in `graph_calls`, `exchange_cmdlets` and
`sharepoint`; how it is sent in `http`; what can go wrong, in words for people, in `errors`.
"""
