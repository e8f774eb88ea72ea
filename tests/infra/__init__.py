"""Tests of the infrastructure, on templates that are resolved without an account."""
