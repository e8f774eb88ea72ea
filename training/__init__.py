"""From a table of shots to a model bundle; never imported when serving.

The way of the data: `table` reads the CSV by its schema → `protocol` splits it → `pipeline` fits autoencoder, booster
and calibrator → `graph` fuses them into one ONNX graph → `recipe` chooses thresholds and measures → `export` writes
the bundle and its model card.
"""
