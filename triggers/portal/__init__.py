"""The endpoints of the existing portal (CIPP 10.9): its shapes, our services.

Nothing is decided here: each endpoint reads the portal's form, calls what our own API calls, and answers as the portal
expects it.
"""
