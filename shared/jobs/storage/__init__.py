"""Where offboardings are kept: the port to Table Storage, rows and keys, the audit record, the scans of tenants."""
