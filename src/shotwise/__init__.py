"""Shotwise: is this casting shot defective, why, what do the manuals say, what to change.

The way of a shot: `shot` checks the values → `prediction` asks the bundle's graph → `attribution` says which values
drove it → `charts` draw that → `knowledge` finds and quotes what the documents say. `explanation` joins attribution
and chart for T2. `bundle` holds model and schema; `adapters` touch what is outside (onnxruntime, S3, SQLite);
`edge` translates events and errors.
"""

__version__ = "0.1.0"
