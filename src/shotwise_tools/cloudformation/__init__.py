"""Evaluate CloudFormation templates without AWS.

`stacks` resolves a template and its nested stacks: it checks parameters and rules (`parameters`), evaluates conditions
and functions (`intrinsics`), and fills in names, ids and ARNs that only AWS would know (`placeholders`).
"""
