"""The record of an offboarding and its steps: what is kept, how outcomes are computed from it, and where it is kept."""
