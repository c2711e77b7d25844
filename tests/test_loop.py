"""The loop: what it writes, how it stops, and that a resumed run is the uninterrupted run."""

import json
import os
import signal
import threading

import pytest
import torch

from rlhf_lite.data.files import atomic_write
from rlhf_lite.train.loop import Loop


class Toy:
    """A model, an optimizer and a generator; one step moves all three."""

    def __init__(self):
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 1)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.generator = torch.Generator().manual_seed(1)

    def step(self) -> torch.Tensor:
        x = torch.randn(8, 3, generator=self.generator)
        loss = (self.model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss

    def loop(self, **options) -> Loop:
        state = {"model": self.model, "optimizer": self.optimizer, "generator": self.generator}
        return Loop("toy", state, progress=False, **options)

    def run(self, total=10, hook=lambda step: None, **options) -> Loop:
        with self.loop(**options) as loop:
            for step in loop.steps(total):
                loop.log(loss=self.step())
                hook(step)
        return loop


class Failure(Exception):
    pass


def fail_at(step):
    def hook(now):
        if now == step:
            raise Failure

    return hook


def same(a: Toy, b: Toy) -> bool:
    weights = zip(a.model.parameters(), b.model.parameters(), strict=True)
    return all(torch.equal(x, y) for x, y in weights) and torch.equal(
        a.generator.get_state(), b.generator.get_state()
    )


def trace_of(folder):
    return [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]


def test_history_and_trace(tmp_path):
    loop = Toy().run(5, folder=tmp_path)
    assert loop.finished and not loop.stopped
    assert loop.history["step"] == [0, 1, 2, 3, 4] and len(loop.history["loss"]) == 5
    assert trace_of(tmp_path) == loop.rows
    assert not list(tmp_path.glob("*.tmp"))


def test_without_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Toy().run(3).history["step"] == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []


def test_logs_of_one_step_share_a_line(tmp_path):
    with Loop("x", folder=tmp_path, progress=False) as loop:
        for step in loop.steps(3):
            loop.log(a=step)
            loop.log(b=torch.tensor(float("nan")))
            if step == 1:
                loop.log(rare=7)
    assert trace_of(tmp_path)[1] == {"step": 1, "a": 1.0, "b": None, "rare": 7.0}  # NaN is not JSON
    assert loop.history["rare"] == [7.0] and [row["step"] for row in loop.rows if "rare" in row] == [1]


@pytest.mark.parametrize("save_every_s", [0.0, 1e9])
def test_resume_equals_uninterrupted(tmp_path, save_every_s):
    straight, broken = Toy(), Toy()
    expected = straight.run(10).history
    with pytest.raises(Failure):
        broken.run(10, fail_at(6), folder=tmp_path, save_every_s=save_every_s)
    resumed = Toy()
    loop = resumed.run(10, folder=tmp_path)
    assert same(straight, resumed)
    assert loop.history == expected
    assert [row["step"] for row in trace_of(tmp_path)] == list(range(10))


def test_trace_is_cut_to_the_checkpoint(tmp_path):
    """Lines written after the last checkpoint, and a torn one, must not appear twice."""
    with pytest.raises(Failure):
        Toy().run(10, fail_at(5), folder=tmp_path, save_every_s=0)
    with open(tmp_path / "trace.jsonl", "a") as file:
        file.write('{"step": 5, "loss": 1.0}\n{"step": 6, "lo')
    loop = Toy().run(10, folder=tmp_path)
    assert trace_of(tmp_path) == loop.rows and loop.history["step"] == list(range(10))


def test_finished_run_is_loaded_not_repeated(tmp_path):
    first, again = Toy(), Toy()
    first.run(4, folder=tmp_path)
    loop = again.run(4, fail_at(0), folder=tmp_path)
    assert loop.finished and same(first, again) and len(loop.history["loss"]) == 4


@pytest.mark.parametrize("victim", ["tensors", "pointer", "missing"])
def test_damaged_checkpoint_starts_afresh(tmp_path, victim):
    with pytest.raises(Failure):
        Toy().run(10, fail_at(6), folder=tmp_path, save_every_s=0)
    (tensors,) = tmp_path.glob("checkpoint-*.pt")
    if victim == "tensors":
        data = bytearray(tensors.read_bytes())
        data[len(data) // 2] ^= 1
        tensors.write_bytes(data)
    elif victim == "pointer":
        (tmp_path / "checkpoint.json").write_text('{"file": ')
    else:
        tensors.unlink()
    straight, again = Toy(), Toy()
    straight.run(10)
    with pytest.warns(UserWarning, match="checkpoint.json is damaged"):
        again.run(10, folder=tmp_path)
    assert same(straight, again)


def test_kill_while_saving_leaves_the_last_good_state(tmp_path, monkeypatch):
    def run(toy, **kw):
        return toy.run(8, folder=tmp_path, save_every_s=0, **kw)

    real = os.replace

    def replace(source, target):
        if "checkpoint.json" in str(target) and json.loads(open(source).read())["step"] == 5:
            raise Failure  # tensors of step 5 are written, the pointer still points to step 4
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Failure):
        run(Toy())
    monkeypatch.undo()
    seen, straight, resumed = [], Toy(), Toy()
    run(resumed, hook=seen.append)
    straight.run(8)
    assert seen == [4, 5, 6, 7] and same(straight, resumed)
    assert len(list(tmp_path.glob("checkpoint-*.pt*"))) == 1


def test_checkpoint_of_another_run_is_not_used(tmp_path):
    Toy().run(4, folder=tmp_path, about={"lr": 0.1})
    with pytest.warns(UserWarning, match="another run .lr: 0.1 -> 0.2"):
        loop = Toy().run(4, folder=tmp_path, about={"lr": 0.2})
    assert loop.finished


class Control:
    def __init__(self, stop_after):
        self.stop_after, self.reports = stop_after, []

    @property
    def stopped(self):
        return len(self.reports) >= self.stop_after

    def report(self, step, **metrics):
        self.reports.append((step, metrics["loss"]))


def test_stop_button(tmp_path):
    straight, resumed = Toy(), Toy()
    straight.run(10)
    loop = Toy().run(10, folder=tmp_path, control=Control(4))
    assert loop.stopped and not loop.finished and loop.history["step"] == [0, 1, 2, 3]
    assert Toy().run(10, folder=tmp_path, control=Control(0)).step == 4  # stopped before it began
    assert not resumed.run(10, folder=tmp_path, control=Control(99)).stopped
    assert same(straight, resumed)


def test_ctrl_c_finishes_the_step_and_saves(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    straight, resumed = Toy(), Toy()
    straight.run(10)

    def hook(step):
        if step == 3:
            signal.raise_signal(signal.SIGINT)

    loop = Toy().run(10, hook, folder=tmp_path)
    assert loop.stopped and loop.history["step"] == [0, 1, 2, 3]
    assert signal.getsignal(signal.SIGINT) is before
    seen = []
    resumed.run(10, seen.append, folder=tmp_path)
    assert seen[0] == 4 and same(straight, resumed)


def test_sigterm_saves_before_it_does_what_it_always_does(tmp_path):
    """It may come twice: Slurm and systemd send it to all processes, and a parent to its children."""
    straight, resumed, came = Toy(), Toy(), []
    straight.run(10)
    before = signal.signal(signal.SIGTERM, lambda *_: came.append((tmp_path / "checkpoint.json").exists()))

    def hook(step):
        if step == 3:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            assert not came

    try:
        loop = Toy().run(10, hook, folder=tmp_path)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [True] and loop.stopped and loop.history["step"] == [0, 1, 2, 3]
    seen = []
    resumed.run(10, seen.append, folder=tmp_path)
    assert seen[0] == 4 and same(straight, resumed)


@pytest.mark.parametrize("how", ["twice", "raised"])
def test_interrupt_inside_a_step_ends_cleanly(tmp_path, how):
    straight, resumed = Toy(), Toy()
    straight.run(10)

    def hook(step):
        if step == 5 and how == "raised":
            raise KeyboardInterrupt
        if step == 5:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    loop = Toy().run(10, hook, folder=tmp_path, save_every_s=0)
    assert loop.stopped and loop.history["step"] == [0, 1, 2, 3, 4]  # the unfinished step leaves no trace
    resumed.run(10, folder=tmp_path)
    assert same(straight, resumed)


def test_works_in_a_worker_thread(tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(Toy().run(3, folder=tmp_path)))
    thread.start()
    thread.join()
    assert found[0].finished


def test_clear_keeps_the_trace(tmp_path):
    loop = Toy().run(3, folder=tmp_path)
    loop.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["trace.jsonl"]


def test_open_takes_a_loop_or_its_options(tmp_path):
    mine = Loop("mine", progress=False)
    assert Loop.open("sft", mine, about={"a": 1}) is mine and mine.about == {"a": 1}
    assert Loop.open("sft", {"folder": tmp_path}).folder == tmp_path
    assert Loop.open("sft", None, live=("loss",)).live == ("loss",)


def test_atomic_write_is_all_or_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(Failure), atomic_write(path) as file:
        file.write(b"half")
        raise Failure
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
