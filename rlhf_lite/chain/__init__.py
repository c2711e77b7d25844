"""Stages that are built once and found ever after: the store, the engine, and the two recipes, `tiny` and
`real`."""
