"""What a month costs, computed from what the template makes: `make cost`.

stacks (the scenario's resources, resolved) + usage (a month of requests, measured and assumed) + prices (dated, with
their source) → a rule for each type of resource (compute, network, storage, watching) → bill → choices (the same bill
with one thing decided otherwise) → report. A type that has no rule, and is not known to cost nothing, is refused.
"""
