"""The domain: what an offboarding is, how it is planned, stored and judged."""
