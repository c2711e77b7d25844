#!/bin/bash
# What only a GPU can say, in about ten minutes, each step with a limit of its own; results as they come.
#
#   bash tools/gpu_check.sh OUT [cuda|cpu] [RANKINGS TOKENIZER]
#
# OUT is a folder for logs and figures. With `cpu` all of it in small: whether it runs. RANKINGS and TOKENIZER:
# a file and a folder for the real chain (default: made-up ones).
set -u
OUT=${1:?say where to write}; DEVICE=${2:-cuda}; RANKINGS=${3:-}; TOKENIZER=${4:-}
mkdir -p "$OUT"
export PYTHONUNBUFFERED=1 PYTHONPATH=$PWD RLHF_LITE_HOME=$OUT/runs RLHF_LITE_DEVICE=$DEVICE HF_HUB_OFFLINE=1
PYTHON=${PYTHON:-python3}

step() { # NAME SECONDS COMMAND...
    local name=$1 limit=$2 began=$SECONDS code=0
    shift 2
    timeout "$limit" "$@" >"$OUT/$name.log" 2>&1 || code=$?
    echo "== $name: exit $code (124 is the limit of $limit s), $((SECONDS - began)) s"
    tail -n 6 "$OUT/$name.log" | cut -c1-300
}

if [ -z "$RANKINGS" ]; then
    RANKINGS=$OUT/rankings.jsonl TOKENIZER=$OUT/tokenizer
    $PYTHON - "$RANKINGS" "$TOKENIZER" <<'P'
import json, random, sys
from rlhf_lite.models.tokens import build_tokenizer
rng = random.Random(0)
words = "the a good bad answer is was not very clear short long and of to it that this".split()
build_tokenizer(words).save_pretrained(sys.argv[2])
with open(sys.argv[1], "w") as file:
    for i in range(400):
        text = lambda n: " ".join(rng.choices(words, k=n))
        row = {"prompt": text(12), "completions": [text(20) for _ in range(4)], "ranks": [1, 2, 3, 4]}
        file.write(json.dumps(row) + "\n")
P
fi

if [ "$DEVICE" = cuda ]; then
    nvidia-smi --query-gpu=name,memory.total --format=csv,noheader
    step tests 120 $PYTHON -m pytest -m gpu -q -n 8
    step bench 270 $PYTHON -m tools.gpu_bench "$OUT/bench.json" --seconds 230
    grep "ms'" "$OUT/bench.log" | cut -c1-160
    step profile 60 $PYTHON -m tools.gpu_profile rm sampling ppo --compile off
    step chain 150 $PYTHON -m rlhf_lite run --fresh --profile smoke
    SIZE=gpt2 SET="sft.epochs=1 ppo.episodes=256 ppo.batch_size=128 test_prompts=32"
else
    step tests 300 $PYTHON -m pytest -q tests/test_gpu.py -m "not slow"
    step bench 60 $PYTHON -m tools.gpu_bench "$OUT/bench.json" --device cpu --seconds 30
    step profile 60 $PYTHON -m tools.gpu_profile rm sampling ppo --compile off --device cpu
    step chain 150 $PYTHON -m rlhf_lite run --fresh --profile smoke
    SIZE=S SET="sft.epochs=1 ppo.episodes=32 ppo.batch_size=16 ppo.minibatches=4 ppo.max_new_tokens=12 test_prompts=20"
fi
step real 150 $PYTHON -m rlhf_lite real --rankings "$RANKINGS" --tokenizer "$TOKENIZER" --model "" --size $SIZE --set $SET
