"""Tools around set-up, documentation and deployment.

`set_up` fills .venv, `shipped_index` builds the document store with the manuals, `packed_model` compresses the graph of
a bundle, `docs` writes the tables of the documentation, `cloudformation` evaluates templates, `cost` computes the cost
of a month, `smoke` tests a deployment, and `release` hashes everything that a version of the functions consists of.
"""
