"""What an offboarding was, and what a tenant's offboardings came to, for people and for their auditors.

A report is a pure function from what is stored to a record, and a template that shows the record. It asks Microsoft
nothing. The record is what is hashed, and what programs are given.
"""
