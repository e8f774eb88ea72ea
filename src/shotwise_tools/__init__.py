"""Tools around a deployment: templates evaluated (`cloudformation`), `cost`, `smoke` test, `release`."""
