"""CloudFormation evaluated without AWS: parameters, rules, conditions, intrinsic functions, nested stacks."""
