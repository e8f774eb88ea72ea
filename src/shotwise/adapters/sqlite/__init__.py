"""Adapters to SQLite: the documents of one machine and their vectors, in one file."""
