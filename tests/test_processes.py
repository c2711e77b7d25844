"""Several processes take the steps that one takes: SFT, reward model and PPO-ptx under torchrun (gloo, two on
a CPU), with whole models on each process and with models cut over them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rlhf_lite import PPOConfig
from rlhf_lite.hardware import processes
from rlhf_lite.train.optim import FIRST_SCALE
from rlhf_lite.train.ppo import train_ppo

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import copy, os, sys
import torch
from rlhf_lite import ModelConfig, PPOConfig, RewardConfig, SFTConfig
from rlhf_lite.hardware import processes
from rlhf_lite.world import World
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.models.gpt2 import recompute
from rlhf_lite.train.batches import lm_loss, pack_rows
from rlhf_lite.train.loop import Loop
from rlhf_lite.train.optim import Adam
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.sft import train_sft

torch.set_num_threads(1)
tokenizer = build_tokenizer(World(0).vocabulary())
start = new_policy(ModelConfig(size="XS", n_positions=64), tokenizer)
words = "Iris sold a cup in Morn . Then Ida ate nuts with Finn . Thank you".split()
rows = pack_rows(torch.arange(4096) % 500, 64)

def text(i, n):
    return " ".join(words[(i * 7 + k) % len(words)] for k in range(n))

prompts = [text(i, 3 + i % 5) for i in range(24)]

RESHARD = os.environ["RESHARD"] == "yes"
ACCUMULATION = 2 if RESHARD else 1

def prepared(model, trained=True):
    # A copy, cut over the processes; if that is tested, its weights are given back after the forward pass,
    # its layers computed again, and models that are only read are cut, too.
    model = copy.deepcopy(model)
    if RESHARD:
        recompute(model)
    if trained or RESHARD:
        processes.distribute(model, reshard=RESHARD)
        if processes.world_size() > 1:
            assert sum(p.to_local().numel() for p in model.parameters()) < 0.55 * start.num_parameters()
    return model

class Stop:
    def __init__(self, after): self.after, self.done = after, 0
    stopped = property(lambda self: self.done >= self.after)
    def report(self, step, **metrics): self.done = step + 1

def sft(folder=None, after=99):
    policy, pairs = prepared(start), [(p, text(i + 3, 2 + i % 6)) for i, p in enumerate(prompts)]
    loop = Loop("sft", folder=folder, control=Stop(after))
    cfg = SFTConfig(epochs=2, batch_size=5, pretrain_mix=0.3)
    more = {"pretrain_rows": rows, "accumulation": ACCUMULATION, "loop": loop}
    history = train_sft(policy, tokenizer, pairs, cfg, **more)
    return history, {"policy": policy}

def reward():
    ranked = [{"prompt": p, "completions": [text(i + j, 1 + (i + j) % 6) + f" {j}" for j in range(3 + i % 3)],
               "ranks": [1, 2, 2, 3, 4][: 3 + i % 3]} for i, p in enumerate(prompts)]
    model = prepared(new_scalar_model(start))
    cfg = RewardConfig(prompts_per_step=5, epochs=2)
    return train_reward(model, tokenizer, ranked, cfg, accumulation=ACCUMULATION), {"reward_model": model}

def ppo_ptx(accumulation, use_ema=False, old_logprobs="sampling"):
    scorer = new_scalar_model(start)
    scorer.config.trained_rankings = 1
    policy, value_model, seen = prepared(start), prepared(scorer), []
    ref_policy, scorer = prepared(start, trained=False), prepared(scorer, trained=False)
    # Without warm-up, Adam's first step would turn gradients that are nothing but rounding (2e-9 among 3e-3)
    # into steps of a third of lr.
    cfg = PPOConfig(episodes=24, batch_size=12, minibatches=2, max_new_tokens=8, ptx_gamma=0.5, ptx_rows=4,
                    accumulation=accumulation, lr=1e-3, warmup_iterations=1, use_ema=use_ema, ema_decay=0.5,
                    old_logprobs=old_logprobs)
    history = train_ppo(policy, ref_policy, scorer, value_model, tokenizer, prompts, cfg, pretrain_rows=rows,
                        gold=lambda chosen, texts: [float(len(t)) for t in texts],
                        on_iteration=lambda i, batch: seen.append(batch.texts))
    assert bool(seen) == processes.is_main_process()
    return history, {"policy": policy, "value_model": value_model}

def overflow():
    # float16: one step, then one in which only the last process's gradient overflows, and none may take it
    os.environ["RLHF_LITE_PRECISION"] = "fp16"
    policy, sizes = prepared(start), []
    optimizer, mine = Adam(policy, 1e-3), processes.local_rows(range(4))
    for step in range(2):
        loss = len(mine) / 4 * lm_loss(policy, rows[list(mine)])
        optimizer.scaled(loss).backward()
        if step and processes.rank() == processes.world_size() - 1:
            gradient = next(policy.parameters()).grad
            getattr(gradient, "to_local", lambda: gradient)()[0, 0] = float("inf")
        before = [getattr(p, "to_local", lambda: p)().detach().clone() for p in policy.parameters()]
        sizes.append(optimizer.step(1e-3, 1.0))
        after = [getattr(p, "to_local", lambda: p)() for p in policy.parameters()]
        same = list(map(torch.equal, after, before))
        assert all(same) == bool(step)
    os.environ["RLHF_LITE_PRECISION"] = "fp32"
    return {"grad_norm": sizes, "scale": [optimizer.scaler.get_scale()]}, {"policy": policy}

JOBS = {"sft": sft, "reward": reward,
        "ppo_ptx": lambda: ppo_ptx(1), "ppo_ptx, accumulated": lambda: ppo_ptx(2),
        "averaged": lambda: ppo_ptx(1, use_ema=True, old_logprobs="forward"),
        "overflow": overflow, "first part": lambda: sft(sys.argv[3], 4), "rest": lambda: sft(sys.argv[3])}

processes.join(int(sys.argv[2]), "cpu")
found = {}
for job in sys.argv[4:]:
    history, models = JOBS[job]()
    models = {name: processes.gathered(model) for name, model in models.items()}
    sums = {}
    for name, model in models.items():
        sums[name] = {k: v.double().sum().item() for k, v in model.state_dict().items()}
    others = processes.all_gather_objects(sums)
    assert all(other == others[0] for other in others), "processes have different weights"
    weights = {name: {k: v.clone() for k, v in model.state_dict().items()} for name, model in models.items()}
    found[job] = {"history": {k: [float(x) for x in v] for k, v in history.items()}, "weights": weights}
if processes.is_main_process():
    torch.save({"count": processes.world_size(), **found}, sys.argv[1])
processes.leave()
"""
STAGES = ("sft", "reward", "ppo_ptx", "ppo_ptx, accumulated", "averaged")
WAYS = {"one": (1, "no"), "two": (2, "no"), "two, resharded": (2, "yes")}


def launch(folder, way, *jobs, expected=None, run=""):
    """These jobs on one or two processes; `torchrun` as a module, so that it is this Python's. -> (what they
    found, stderr)"""
    count, reshard = WAYS[way]
    script, out = folder / "train.py", folder / f"{way}-{len(jobs)}.pt"
    script.write_text(SCRIPT)
    torchrun = (
        ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
    )
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RLHF_LITE_PRECISION": "fp32",
        "OMP_NUM_THREADS": "1",
        "RESHARD": reshard,
    }
    command = [
        sys.executable,
        *torchrun,
        str(script),
        str(out),
        str(expected or count),
        str(folder / run),
        *jobs,
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    found = torch.load(out, weights_only=True) if done.returncode == 0 else None
    assert found is None or found["count"] == count
    return found, done.stderr


# Who begins a run, and who finishes it.
PAIRS = {"one": "two", "two": "two, resharded", "two, resharded": "one"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Everything in each way; and a run that one way begins and another finishes."""
    folder = tmp_path_factory.mktemp("processes")
    found = {
        way: launch(folder, way, *STAGES, "overflow", "first part", run=f"begun on {way}") for way in WAYS
    }
    rest = {way: launch(folder, after, "rest", run=f"begun on {way}") for way, after in PAIRS.items()}
    for what, stderr in (*found.values(), *rest.values()):
        assert what is not None, stderr[-3000:]
    return {way: {**found[way][0], **rest[way][0], "folder": folder} for way in WAYS}


def assert_equal(one, two):
    for name in one["history"].keys() - {"tokens_per_second"}:
        values, others = (torch.tensor(run["history"][name]) for run in (one, two))
        torch.testing.assert_close(
            others, values, atol=1e-5, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )
    for model, weights in one["weights"].items():
        for name, weight in weights.items():
            torch.testing.assert_close(two["weights"][model][name], weight, atol=1e-4, rtol=0)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("way", ["two", "two, resharded"])
def test_two_processes_take_the_steps_of_one(trained, stage, way):
    assert_equal(trained["one"][stage], trained[way][stage])
    assert len(trained["one"][stage]["history"]) > 3


@pytest.mark.parametrize("way", WAYS)
def test_an_overflow_on_one_process_is_no_step_on_any(trained, way):
    history = trained[way]["overflow"]["history"]
    assert history["grad_norm"][1] == float("inf") and history["scale"] == [FIRST_SCALE / 2]


@pytest.mark.parametrize("way", PAIRS)
def test_a_run_interrupted_on_some_processes_goes_on_on_others(trained, way):
    assert len(trained[way]["first part"]["history"]["loss"]) == 4
    assert_equal(trained["one"]["sft"], trained[way]["rest"])
    trace = (trained[way]["folder"] / f"begun on {way}" / "trace.jsonl").read_text().splitlines()
    assert len(trace) == len(trained["one"]["sft"]["history"]["loss"])


def test_another_number_of_processes_than_asked_for_is_an_error(tmp_path):
    found, stderr = launch(tmp_path, "one", "sft", expected=2)
    assert (
        found is None and "there should be 2 processes, but there is 1; start them with: torchrun" in stderr
    )


def test_alone_nothing_changes():
    assert (
        processes.world_size() == 1
        and processes.is_main_process()
        and processes.local_rows([1, 2, 3]) == [1, 2, 3]
    )
    assert (
        list(processes.all_reduce(1, 2.5)) == [1, 2.5]
        and processes.any_process(True)
        and processes.broadcast("x") == "x"
    )
    layer = torch.nn.Linear(2, 1)
    assert processes.distribute(layer) is layer and processes.gathered(layer) is layer


def test_a_minibatch_smaller_than_its_parts_is_refused(monkeypatch):
    monkeypatch.setattr(processes, "world_size", lambda: 4)
    with pytest.raises(ValueError, match="minibatch_size = 2 cannot be cut into 4 parts"):
        train_ppo(1, 2, 3, 4, None, ["x"], PPOConfig(episodes=8, batch_size=8, minibatches=4))
