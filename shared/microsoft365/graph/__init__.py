"""Microsoft Graph: every call that is used, and the client that sends them in batches."""
