"""Stands for datasets on a machine that has none: "Parquet" files are JSON there; `pack.py` makes real ones of them."""
import json
Features = dict
def Value(*a, **k): return None
def List(*a, **k): return None
def disable_progress_bars(): pass
class Dataset:
    def __init__(self, columns): self.columns = columns
    @classmethod
    def from_dict(cls, columns, features=None): return cls(columns)
    def to_parquet(self, path):
        with open(path, "w") as f: json.dump(self.columns, f)
