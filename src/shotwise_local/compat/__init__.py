"""Patches of libraries that only the emulator needs; `shotwise.compat` has the rules for patches."""
