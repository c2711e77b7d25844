"""Stages that are built once and found ever after: store, engine, and two recipes, `tiny` and `real`."""
