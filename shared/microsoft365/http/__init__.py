"""Sending requests to Microsoft: messages, retries, pages, and errors in words for people."""
