"""From a table of shots to a model bundle whose figures can be believed; never imported when serving.

The way of the data: `csvfile` reads the cells → `schema` says what they are → `table` makes arrays of them; `audit`
(`facts`, `twins`, `label`, `leaks`, `stamps`) says beforehand what would make a figure look better than it is, and
`draft` writes a first schema. `protocol` splits the shots → `pipeline` fits a `configuration` (`autoencoder`, boosting,
calibration; `teacher` for the one that is served), `history` its head for known inspection results, `types` its model
of defect types → `contenders` are fitted beside it → `metrics`, `type_scores` → `evaluate` → `report`. `recipe` trains
the final pipeline → `graph` makes ONNX graphs of it → `export` writes the bundle and its model card.
"""
