"""Tools around a deployment.

`cloudformation` evaluates templates, `cost` computes what a month costs, `smoke` tries a deployment out, and `release`
hashes what a version of the functions is made of.
"""
