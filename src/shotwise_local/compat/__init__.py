"""Patches of foreign libraries that only the emulator needs; `shotwise.compat` has the rules for them."""
