"""Predict and explain defects of die-casting shots, with quotes from the manuals and settings to change.

How a shot travels through this package:

1. `shot` checks the values of a request against the bundle's schema.
2. `prediction` runs the bundle's graph, with `history` where inspection results of the run are known; `novelty` says
   whether the model was trained on such shots.
3. `attribution` computes which values drove the prediction and which settings would lower the probability of a defect;
   `charts` draws the attribution.
4. `knowledge` searches the documents and answers with quotes and pages.

`bundle`, `graph` and `manifest` define the model and its schema. `handlers` turn AWS events into calls of the above and
results into replies. `adapters` talk to onnxruntime, S3, Bedrock and SQLite. `errors` and `messages` define everything
that a person may have to act on.
"""

__version__ = "0.1.0"
