"""The settings of this app, and the services that are built from them once per process."""
