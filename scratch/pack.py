"""pack.py RUNS: real Parquet files for the JSON that the stubs wrote, and summaries that fit."""
import rlhf_lite, sys, json, pathlib
from rlhf_lite.chain import store
from rlhf_lite.data.records import to_dataset
from rlhf_lite.data.files import read_json
for folder in pathlib.Path(sys.argv[1]).glob("rankings-*"):
    changed = False
    for path in folder.glob("*.parquet"):
        if path.read_bytes()[:1] != b"{": continue
        columns = json.loads(path.read_text()); rows = [dict(zip(columns, r)) for r in zip(*columns.values())]
        to_dataset(rows).to_parquet(str(path)); changed = True
    if changed:
        s = read_json(folder / store.SUMMARY); store.write_summary(folder, s); print("packed", folder.name)
