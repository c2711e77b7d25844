"""A verdict that rests on a training that somebody stopped says so, in a notebook's cells as they are run."""

import pytest

pytest.importorskip("IPython")

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402

from rlhf_lite.show import verdicts  # noqa: E402

TRAIN = """
from rlhf_lite import show
from rlhf_lite.config import PPOConfig
from rlhf_lite.train.loop import Loop
import os, signal, torch

cfg, steps = PPOConfig(), 5

def train(stop_after=None, model=None, control=None):
    with Loop("ppo", {"model": model} if model else None, control=control, progress=False) as loop:
        for step in loop.steps(steps):
            loop.log(score=float(step))
            if step == stop_after:
                os.kill(os.getpid(), signal.SIGINT)  # what a notebook's stop button sends
    return loop.history
"""
STOPPED = "ppo, stopped after 1 of 5 steps"


@pytest.fixture
def run(monkeypatch):
    """A notebook of which cells are run: what each showed, as plain text."""
    shell = InteractiveShell()
    monkeypatch.setattr(verdicts, "_cells", None)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    verdicts.follow()

    def cell(source: str) -> str:
        with capture_output() as shown:
            shell.run_cell(source).raise_error()
        return "\n".join(repr(output) for output in shown.outputs) + shown.stdout

    cell(TRAIN)
    return cell


def test_a_verdict_on_a_stopped_training_is_not_judged_and_says_why(run):
    assert STOPPED in run("history = train(stop_after=0)")
    run("first, last = history['score'][0], history['score'][-1]")
    said = run("display(show.expect('rise', last - first, (0.0, 3.0)))")
    assert "rise: 0.000" in said and f"not judged: {STOPPED}" in said and "✓" not in said
    assert STOPPED in run("print('as in the paper' if last >= first else 'not here')")  # other words, too
    assert STOPPED in run("display(show.table([{'verdict': 'better', 'by': last}]))")


def test_what_does_not_rest_on_it_is_judged_as_ever(run):
    run("history = train(stop_after=0)")
    assert "✓" in run("display(show.expect('recorded', cfg.kl_beta, (0.0, 3.0)))")
    assert run("other = train()\nprint(steps)") == "5\n"


def test_run_again_to_its_end_it_is_judged_again(run):
    run("history = train(stop_after=0)")
    run("last = history['score'][-1]")
    assert STOPPED not in run("history = train()")
    assert STOPPED in run("display(show.expect('last', last, (0, 9)))")  # this is still the old number
    run("last = history['score'][-1]")
    assert "✓ last: 4.000" in run("display(show.expect('last', last, (0, 9)))")


def test_a_model_that_was_trained_in_place_and_runs_kept_in_a_dict_are_followed(run):
    run("model, sweep = torch.nn.Linear(1, 1), {}\nother = torch.nn.Linear(1, 1)")
    run("sweep['a'] = train(stop_after=0, model=model)\nsweep['b'] = train()")
    assert "not judged" in run("display(show.expect('weight', len(list(model.parameters())), (0, 9)))")
    assert "not judged" in run("display(show.expect('score', sweep['b']['score'][-1], (0, 9)))")
    assert "✓" in run("display(show.expect('weight', len(list(other.parameters())), (0, 9)))")


def test_the_board_of_a_stopped_run_says_how_far_it_came(run):
    run("board = show.LiveBoard('score', total=5)\nhistory = train(stop_after=1, control=board)")
    assert "stopped after 2 of 5 steps" in run("print(board.figure().alt)")


def test_a_panel_that_was_interrupted_says_so_and_what_rests_on_it_too(run):
    run("panel = show.TrainingPanel(lambda cfg, control: train(0, control=control), cfg, ('kl_beta',))")
    said = run("panel.run()\nprint(panel.status.value)")
    assert "stopped after 1 of 5 steps" in said and "done" not in said
    assert "not judged" in run("display(show.expect('steps', len(panel.rows), (0, 9)))")


def test_an_interrupted_cell_ends_the_run_of_a_panel(run):
    run(
        "import time\nslow = lambda cfg, control: [control.report(i, a=1.0) or time.sleep(0.01)"
        " for i in range(1000) if not control.stopped]"
    )
    run("panel = show.TrainingPanel(slow, cfg, ('kl_beta',))\npanel.start()")
    with pytest.raises(KeyboardInterrupt):
        run("while not panel.rows:\n    time.sleep(0.01)\nraise KeyboardInterrupt")
    run("panel.thread.join(5)")
    assert "the kernel was interrupted" in run("print(panel.status.value)")
