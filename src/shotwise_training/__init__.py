"""Train a model bundle from a table of shots; never imported when serving.

Folders, lowest first. A folder imports only those below it, and serving code imports none of them
(`tests/architecture` checks both):

- `data` reads CSV file and schema into arrays (`csv_file` → `schema` → `table`), describes single columns
  (`column_profile`, `timestamps`), finds repeated rows (`duplicates`), reads the `label`, and splits the shots
  (`protocol`)
- `audit` finds what in a table would make a model look better than it is, and drafts its schema (`schema_draft`)
- `models` fits what a `configuration` describes: `pipeline` (`scaling`, `autoencoder`, boosting, calibration),
  `distillation` of forests into the served boosting, `history` for known inspection results, `defect_types`
- `evaluation` scores configurations and `baselines` in the same folds, and writes the `report`
- `export` writes a fitted pipeline as ONNX graphs, and as a bundle with its model card

Beside them, `metrics` imports nothing of this package, and everything from `models` upwards may use it. `train` runs
everything in order: table → figures → final pipeline → bundle.
"""
