"""A simulated Microsoft 365: what the app calls of Graph, Exchange Online, SharePoint and sign-in, over real HTTP.

It is reached by base URLs only, so the app's own clients build, sign, send, page and retry as they would in
production. It refuses what Microsoft refuses; what it does not know it refuses too, and records as refused, so that a
call no one has checked against Microsoft's documentation can never pass for a working one.
"""
