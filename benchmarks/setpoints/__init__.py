"""Compare proposed settings with an exhaustive grid."""
