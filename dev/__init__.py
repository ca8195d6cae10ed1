"""The cloud on one machine: for development, demonstration and tests; never deployed."""
