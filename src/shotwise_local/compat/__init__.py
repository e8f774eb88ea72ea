"""Patches of foreign libraries that the emulator needs; see `shotwise.compat` for the rules."""
