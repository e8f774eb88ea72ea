"""Patches of foreign libraries, one module a library: the version each is for, the reason, and when it can go."""
