"""What is alive at the peak of a training on a GPU: python -m tools.gpu_memory STAGE fp32|bf16"""

import sys
from collections import Counter

sys.path.insert(0, "tests")
import rlhf_lite  # noqa: F401, I001
import pytest
import torch
from helpers_memory import STAGES, Setting

from rlhf_lite.hardware.forecast import ComputeSettings

stage, half = sys.argv[1], sys.argv[2] == "bf16"
with pytest.MonkeyPatch.context() as patch:
    setting = Setting(ComputeSettings(half=half), patch, "cuda", rows=64, width=384, layers=6, heads=6)
    found, train, models = STAGES[stage](setting, 1)
    torch.cuda.memory._record_memory_history(max_entries=400_000, stacks="python")
    train()
    events = torch.cuda.memory._snapshot()["device_traces"][0]
torch.cuda.memory._record_memory_history(enabled=None)


def where(event):
    frames = [
        f"{f['filename'].rsplit('/', 1)[-1]}:{f['line']}:{f['name']}"
        for f in event["frames"]
        if "rlhf_lite" in f["filename"]
    ]
    return " < ".join(frames[:3]) or "backward: " + str(event["size"])


live, total, peak, at_peak = {}, 0, 0, {}
for event in events:
    if event["action"] == "alloc":
        live[event["addr"]] = event
        total += event["size"]
        if total > peak * 1.001:
            peak, at_peak = total, dict(live)
    elif event["action"] == "free_completed" and event["addr"] in live:
        total -= live.pop(event["addr"])["size"]
print(
    f"{stage} {sys.argv[2]}: foretold", max(found, key=lambda f: f.total), f"peak of new {peak / 1e9:.3f} GB"
)
sizes, counts = Counter(), Counter()
for event in at_peak.values():
    sizes[where(event)] += event["size"]
    counts[where(event)] += 1
for name, size in sizes.most_common(30):
    print(f"{size / 1e6:9.1f} MB {counts[name]:5d} {name[:150]}")
