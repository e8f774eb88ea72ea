"""The command line `shotwise`.

`main` reads the arguments. One module for each group of commands (`diagnosis_commands`, `knowledge_commands`,
`model_commands`) declares the options, calls the module that does the work, and prints the outcome.
"""
