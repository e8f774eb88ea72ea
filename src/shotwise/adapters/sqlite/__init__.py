"""Adapters to SQLite, for the documents of one machine and their vectors in one file."""
