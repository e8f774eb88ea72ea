"""Compute the cost of a month from the resources that the templates create: `make cost`.

1. `stacks` resolves the templates of a scenario into resources.
2. `usage` reads a month of usage, measured and assumed; `prices` reads a dated price for each unit.
3. `compute`, `network`, `storage` and `observability` have a pricing rule for each type of resource.
4. `bill` applies them; a type that has no rule, and is not listed as free, is an error.
5. `alternatives` computes the same bill with one choice changed, and `report` writes all of it.
"""
