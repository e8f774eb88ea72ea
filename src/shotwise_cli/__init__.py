"""The command `shotwise`: `main` reads the arguments; a module for each group of commands does the work."""
