"""Panels that train and explore: settings stay in range, a run is like any other, two at once are refused,
text stays text."""

import json
import threading
import time

import pytest

pytest.importorskip("ipywidgets")

from rlhf_lite.config import ConfigError, PPOConfig, SFTConfig  # noqa: E402
from rlhf_lite.show.explorer import Explorer  # noqa: E402
from rlhf_lite.show.panels import TrainingPanel  # noqa: E402
from rlhf_lite.show.planner import MemoryPlanner  # noqa: E402
from rlhf_lite.train.loop import Loop  # noqa: E402

NASTY = "<img src=x onerror=alert(1)> $x$ **b** \x07 \u202egnp"
CFG = PPOConfig(episodes=32, batch_size=8, minibatches=2)
KNOBS = ("kl_beta", "lr", "clip", "batch_size", "old_logprobs", "whiten_advantages")


def counting(cfg, control, steps=4, wait=0.0):
    """Stands for a training: a loop that logs what it was told."""
    loop = Loop("count", control=control, progress=False)
    with loop:
        for step in loop.steps(steps):
            now = loop.current(cfg)
            loop.log(beta=now.kl_beta, lr=now.lr, square=step**2)
            control.show([{"prompt": NASTY, "answer": f"step {step}"}])
            time.sleep(wait)
    return loop.rows


def panel(train=counting, cfg=CFG, knobs=KNOBS, **options):
    return TrainingPanel(train, cfg, knobs, ys=("square", "beta"), **options)


def until(true, seconds=5.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


# --- settings -----------------------------------------------------------------------------------------------


def test_every_knob_stands_at_its_default_shows_the_papers_value_and_keeps_in_range():
    found = panel()
    assert found.config == CFG
    assert found.knobs["kl_beta"].min == 0 and found.knobs["kl_beta"].max == 1
    labels = [line.children[1].value for line in found.widget.children[: len(KNOBS)]]
    assert "paper: 0.02<" in labels[0] and "paper: 0.2<" in labels[2]
    assert all(knob.description.startswith(name) and knob.tooltip for name, knob in found.knobs.items())
    for name in ("kl_beta", "lr", "clip"):
        for end in (found.knobs[name].min, found.knobs[name].max):
            CFG.replace(**{name: 10**end if name == "lr" else end})  # nothing on the slider is out of range
    found.knobs["kl_beta"].value = 7
    assert found.config.kl_beta == 1
    with pytest.raises(ConfigError, match="no setting 'kl_bets'. It has: "):
        panel(knobs=("kl_bets",))


def test_settings_that_do_not_fit_together_are_refused_before_work_starts():
    found = panel(train=lambda cfg, control: pytest.fail("must not run"), cfg=CFG)
    found.knobs["batch_size"].value = 7
    assert found.run() is None
    assert "not a multiple of batch_size = 7" in found.status.value and not found.train_button.disabled


# --- runs ---------------------------------------------------------------------------------------------------


def test_run_is_the_training_itself_and_leaves_curves_and_answers():
    found = panel(total=lambda cfg: 4)
    rows = found.run()
    assert [row["square"] for row in rows] == [0, 1, 4, 9] and found.rows == rows
    assert (
        "done after 4 steps" in found.status.value
        and "data:image/png" in found.picture.value
        and 'alt="Line chart' in found.picture.value
    )
    assert (
        "&lt;img src=x" in found.samples.value
        and "<img src=x" not in found.samples.value
        and "\x07" not in found.samples.value
    )


def test_in_a_thread_it_can_be_paused_moved_and_stopped():
    found = panel(lambda cfg, control: counting(cfg, control, steps=1000, wait=0.01))
    found.start()
    until(lambda: len(found.rows) > 3)
    assert found.train_button.disabled and not found.stop_button.disabled and found.knobs["clip"].disabled
    found.knobs["kl_beta"].value = 0.75
    until(lambda: found.rows[-1]["beta"] == 0.75)
    found.pause_button.value = True
    time.sleep(0.1)
    held = len(found.rows)
    time.sleep(0.3)
    assert len(found.rows) <= held + 1
    found.pause_button.value = False
    until(lambda: len(found.rows) > held + 2)
    found.stop_button.click()
    found.thread.join(5)
    assert (
        "stopped after" in found.status.value
        and not found.train_button.disabled
        and not found.knobs["clip"].disabled
    )
    moved = [row for row in found.rows if "moved/kl_beta" in row]
    assert len(moved) == 1 and moved[0]["moved/kl_beta"] == 0.75 and moved[0]["beta"] == 0.75


def test_a_paused_run_can_be_stopped():
    found = panel(lambda cfg, control: counting(cfg, control, steps=1000, wait=0.01))
    found.start()
    until(lambda: len(found.rows) > 1)
    found.pause_button.value = True
    found.stop_button.click()
    found.thread.join(5)
    assert not found.thread.is_alive()


def test_a_second_panel_ends_the_first_ones_run_and_both_say_so():
    first, second = panel(lambda cfg, control: counting(cfg, control, 1000, 0.01)), panel()
    first.start()
    until(lambda: first.rows)
    second.start()
    second.thread.join(5)
    first.thread.join(5)
    assert "done after 4 steps" in second.status.value
    assert "another panel began to train" in first.status.value and not first.train_button.disabled


def test_the_paused_run_of_a_cell_that_was_run_again_is_in_nobodys_way():
    old = panel(lambda cfg, control: counting(cfg, control, 1000, 0.01))
    old.start()
    until(lambda: old.rows)
    old.pause_button.value = True
    new = panel()  # the old one is no longer on the page
    assert len(new.run()) == 4
    old.thread.join(5)
    assert not old.thread.is_alive()


def test_who_waits_for_another_panels_step_can_think_better_of_it():
    held = threading.Event()
    first, second = panel(lambda cfg, control: (control.report(0, square=1.0), held.wait(5))), panel()
    first.start()
    until(lambda: first.rows)
    second.start()
    until(lambda: "ending the run of another panel" in second.status.value)
    second.stop()
    second.thread.join(5)
    held.set()
    first.thread.join(5)
    assert "stopped after 0 steps" in second.status.value and not second.train_button.disabled


def test_what_goes_wrong_is_shown_escaped_and_the_panel_can_train_again():
    def fail(cfg, control):
        raise ValueError(f"bad {NASTY}")

    found = panel(fail)
    found.start()
    found.thread.join(5)
    assert "ValueError: bad &lt;img" in found.status.value and not found.train_button.disabled
    with pytest.raises(ValueError, match="bad"):
        found.run()
    assert panel().run()


def test_runs_stay_side_by_side_named_by_the_settings_in_which_they_differ():
    found = panel()
    found.run()
    found.knobs["kl_beta"].value = 0.1
    found.run()
    assert "1: kl_beta 0.3 square from" in found.picture.value
    assert "2: kl_beta 0.1 square from" in found.picture.value
    found.overlay.value = False
    assert "kl_beta 0.3" not in found.picture.value
    found.overlay.value = True
    for _ in range(4):
        found.run()
    assert [run.number for run in found.runs] == [3, 4, 5, 6]  # more would hide one another


def test_the_picture_marks_where_a_slider_was_moved():
    found = panel(lambda cfg, control: counting(cfg, control, steps=60, wait=0.01))
    found.start()
    until(lambda: len(found.rows) > 3)
    found.knobs["kl_beta"].value = 0.0
    until(lambda: found.rows[-1]["beta"] == 0)
    found.knobs["kl_beta"].value = 0.3
    found.thread.join(10)
    at = [row["step"] for row in found.rows if "moved/kl_beta" in row]
    assert f"kl_beta 0 from step {at[0]} on" in found.picture.value
    assert f"kl_beta 0.3 from step {at[1]} on" in found.picture.value
    ax = found.still().axes[0]
    assert [line.get_xdata()[0] for line in ax.lines[1:]] == at
    assert found.still().legends[0].get_texts()[0].get_text() == "1: kl_beta 0.3 → 0 → 0.3"


def test_how_long_a_run_is_can_be_chosen_in_whole_batches():
    slider = panel(knobs=("episodes",)).knobs["episodes"]
    assert (slider.min, slider.step, slider.max) == (CFG.batch_size, CFG.batch_size, 4 * CFG.episodes)
    for value in range(slider.min, slider.max, slider.step):
        CFG.replace(episodes=value)


def test_how_far_it_is_stands_there_at_every_step():
    told = []
    found = panel(lambda cfg, control: counting(cfg, control, steps=8, wait=0.12), total=lambda cfg: 8)
    found.status.observe(lambda change: told.append(change["new"]), "value")
    found.run()
    assert all(any(f"step {step} of 8" in text for text in told) for step in range(1, 8))


def test_it_draws_at_most_four_times_a_second():
    found, begin = panel(lambda cfg, control: counting(cfg, control, steps=150, wait=0.01)), time.monotonic()
    found.run()
    assert 0 < found.control.drawn <= 2 + 4 * (time.monotonic() - begin)


def test_a_wish_is_answered_at_once_and_not_after_the_step():
    found = panel(lambda cfg, control: counting(cfg, control, steps=1000, wait=0.3))
    found.start()
    until(lambda: found.rows)
    found.pause_button.value = True
    assert "paused after this step" in found.status.value
    until(lambda: not found.control._go.is_set())
    found.pause_button.value = False
    assert "going on" in found.status.value
    found.stop_button.click()
    assert "stopping after this step" in found.status.value and found.stop_button.disabled
    found.thread.join(5)
    assert "stopped after" in found.status.value


def test_in_colab_it_trains_at_once_and_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "google.colab", object())
    found = panel()
    found.start()
    assert (
        found.thread is None
        and len(found.rows) == 4
        and threading.current_thread() is threading.main_thread()
    )


# --- moving settings while a run goes on --------------------------------------------------------------------


class Moves:
    stopped, moved = False, {}

    def report(self, step, **metrics):
        self.moved = {"lr": 0.5, "clip": 0.9} if step >= 1 else {}


def test_a_moved_setting_holds_from_the_next_step_is_in_the_trace_and_survives_a_resume(tmp_path):
    def go(control, stop_after=None):
        loop = Loop("moves", folder=tmp_path, control=control, progress=False)
        with loop:
            for step in loop.steps(5):
                now = loop.current(SFTConfig(lr=0.1))
                loop.log(lr=now.lr)
                loop.stopped = False
                if step == stop_after:
                    control.stopped = True
        return loop.rows

    rows = go(control := Moves(), stop_after=2)
    assert [row["lr"] for row in rows] == [0.1, 0.1, 0.5] and rows[2]["moved/lr"] == 0.5 and control.moved
    assert [row["lr"] for row in go(None)] == [0.1, 0.1, 0.5, 0.5, 0.5]


def test_a_moved_setting_out_of_range_is_refused():
    loop = Loop(
        "moves",
        control=type(
            "C", (), {"stopped": False, "moved": {"kl_beta": -1.0}, "report": lambda *a, **k: None}
        )(),
    )
    with pytest.raises(ConfigError, match="kl_beta = -1"):
        loop.current(CFG)


# --- explorer -----------------------------------------------------------------------------------------------


@pytest.fixture
def dials(tmp_path):
    """A made-up experiment of a name that no code knows."""
    (tmp_path / "dials").mkdir()
    for value in (0.0, 0.5, 2.0):
        for seed in (0, 1, 2):
            trace = [{"step": step, "gold/mean": value + 0.1 * seed + step} for step in range(3)]
            run = {
                "arm": value,
                "seed": seed,
                "stage": "ppo",
                "trace": trace,
                "samples": [{"prompt": NASTY, "response": NASTY, "gold": 0.5}],
            }
            (tmp_path / "dials" / f"{value:g}-seed-{seed}.json").write_text(json.dumps(run))
    return tmp_path


def test_any_recorded_experiment_can_be_explored_by_its_name(dials):
    found = Explorer("dials", ys=("gold/mean",), place=dials)
    assert [value for _, value in found.slider.options] == [0, 0.5, 2] and "3 seeds each" in found.note.value
    begin = time.perf_counter()
    found.slider.value = 2.0
    assert time.perf_counter() - begin < 0.1
    assert "dials 2 gold/mean from 2.100 to 4.100 (3 runs)" in found.picture.value
    assert "&lt;img src=x" in found.answers.value and "<img src=x" not in found.answers.value
    assert found.still().png().startswith(b"\x89PNG")


def test_a_page_without_widgets_shows_what_stands_in_for_them(dials, monkeypatch):
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: seen.append(data))
    for shown in (Explorer("dials", ys=("gold/mean",), place=dials), panel(), MemoryPlanner()):
        shown._ipython_display_()
        assert seen[-1]["text/html"] == shown.still()._repr_html_() and seen[-1]["text/plain"]
        assert "application/vnd.jupyter.widget-view+json" in seen[-1]


# --- memory, foretold ---------------------------------------------------------------------------------------


def test_the_planner_of_memory_shows_what_each_switch_saves():
    planner = MemoryPlanner()

    def sizes():
        return [found.total for found in planner.forecasts().values()]

    plain = sizes()
    assert plain == sorted(plain) and plain[1] > 40 * 124e6  # GPT-2: forty bytes a parameter, and activations
    assert "Stacked bars" in planner.picture.value and "gpt2-medium: most while" in planner.remark.value
    for change, value in ((planner.parts, 8), (planner.recompute, True), (planner.gpus, 4)):
        change.value = value
        assert all(after < before for after, before in zip(sizes(), plain, strict=True))
        plain = sizes()
    assert planner.still().png().startswith(b"\x89PNG")
