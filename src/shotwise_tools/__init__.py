"""Tools around set-up and deployment.

`set_up` fills .venv, `cloudformation` evaluates templates, `cost` computes the cost of a month, `smoke` tests a
deployment, and `release` hashes everything that a version of the functions consists of.
"""
