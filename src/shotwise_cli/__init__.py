"""The command line `shotwise`.

`main` parses the arguments. A module for each group of commands (`diagnosis_commands`, `knowledge_commands`,
`model_commands`) declares their options, calls the module that does the work, and prints the outcome.
"""
