"""Train a model bundle from a table of shots; never imported when serving.

Folders, lowest first. A folder imports those below it only, and serving code imports none of them
(`tests/architecture` checks both):

- `data`: CSV file and schema to arrays (`csv_file` → `schema` → `table`), what single columns look like
  (`column_profile`, `timestamps`), repeated rows (`duplicates`), the `label`, and the `protocol` that splits the shots
- `audit`: what in a table would make a figure look better than it is, and a first schema for it (`schema_draft`)
- `models`: what is fitted, as a `configuration` says: `pipeline` (`autoencoder`, boosting, calibration), `distillation`
  of forests into the served boosting, `history` for known inspection results, `defect_types`
- `evaluation`: configurations and `baselines` scored in the same folds, and the `report` of it
- `export`: a fitted pipeline as ONNX graphs, and as a bundle with its model card

Beside them: `metrics` imports nothing of this package, and everything from `models` upwards may use it. `train` runs
everything in order: table → figures → final pipeline → bundle.
"""
