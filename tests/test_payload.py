"""Texts that would like to be more than text, fed to every
widget and every plot: they are read, and nothing else."""

import json
import warnings
from types import SimpleNamespace

import pytest
import torch
from helpers_html import NASTY, TAGS, Reader

pytest.importorskip("ipywidgets")

from rlhf_lite import ModelConfig, PPOConfig, Task, show  # noqa: E402
from rlhf_lite.labels.store import LabelStore  # noqa: E402
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model  # noqa: E402
from rlhf_lite.models.tokens import build_tokenizer  # noqa: E402
from rlhf_lite.show.text import visible  # noqa: E402
from rlhf_lite.train import ppo  # noqa: E402
from rlhf_lite.train.loop import Loop  # noqa: E402

TEXT = " ".join(NASTY).replace("\ud800", "")  # a lone surrogate cannot even be typed or kept in a file
HIDDEN = set("\u202e\u2066\u2069\u200f\ufeff\u200b") | {
    chr(i) for i in (*range(9), *range(11, 32), 0x7F, 0x9B)
}
TOLD = (
    "value",
    "description",
    "tooltip",
    "tooltips",
    "titles",
    "_options_labels",
)  # traits that a front end shows


def everything(widget):
    """A widget and all inside it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def assert_read_only(widget):
    """HTML is inert; whatever else shows text shows it as
    text, and what is typeset holds nothing of anybody's."""
    kinds = set()
    for part in everything(widget):
        kind = type(part).__name__
        kinds.add(kind)
        if kind == "HTML":
            read = Reader(part.value)
            assert read.tags <= TAGS | {"img", "p"} and read.attributes <= {
                "style",
                "dir",
                "scope",
                "title",
                "alt",
                "src",
            }, part.value
            assert all(read.inside), f"dollars outside <pre> would be typeset: {part.value}"
            assert not HIDDEN & set(part.value)
            continue
        assert kind not in ("Label", "HTMLMath", "Valid"), "these are typeset"
        for name in TOLD:
            said = str(getattr(part, name, ""))
            if name == "description" and kind not in ("Button", "ToggleButton"):
                assert "alert" not in said, "descriptions are typeset"
            if not (kind == "Textarea" and name == "value"):  # what is in the box is the person's own
                assert not HIDDEN & set(said), (kind, name, said)
    return kinds


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(["What", "is", "a", "cat"])


@pytest.fixture(scope="module")
def models(tokenizer):
    policy = new_policy(ModelConfig(n_positions=1024), tokenizer)
    return policy, new_scalar_model(policy)


def test_training_panel():
    def train(cfg, control):
        with Loop("x", control=control, progress=False) as loop:
            for step in loop.steps(2):
                loop.log(**{TEXT: float(step)})
                control.show([{"prompt": TEXT, TEXT: TEXT}])

    panel = show.TrainingPanel(train, PPOConfig(), ("kl_beta", "lr"), ys=(TEXT,))
    panel.run()
    assert {"HTML", "Button", "FloatSlider"} <= assert_read_only(panel.widget)

    def fail(cfg, control):
        raise ValueError(TEXT)

    panel = show.TrainingPanel(fail, PPOConfig(), ("kl_beta",))
    panel.start()
    panel.thread.join(10)
    assert_read_only(panel.widget)
    assert visible("alert(1)") in Reader(panel.status.value).text


@pytest.mark.parametrize("mode", ["ranking", "pairs"])
def test_ranking_panel(tmp_path, mode):
    store = LabelStore(tmp_path / "labels.sqlite3")
    rows = [{"prompt_id": "p", "prompt": TEXT, "completions": [f"{TEXT} {i}" for i in range(4)]}]
    panel = show.RankingPanel(rows, TEXT, store, repeats=1, mode=mode)
    assert_read_only(panel.widget)
    for _ in range(2):
        panel.rank(range(1, len(panel.order) + 1), [4] * len(panel.order))
        assert_read_only(panel.widget)
    assert "as at your first" in panel.body.children[0].value
    assert panel.rows()[0]["prompt"] == TEXT  # kept as it was, not as it is shown


def test_explorer(tmp_path):
    (tmp_path / "dials").mkdir()
    for value in (0.0, 1.0):
        run = {
            "value": value,
            "seed": 0,
            "stage": "ppo",
            "trace": [{"step": s, TEXT: 1.0} for s in range(3)],
            "samples": [{"prompt": TEXT, "response": TEXT, "gold": 0.5}],
        }
        (tmp_path / "dials" / f"{value:g}-seed-0.json").write_text(json.dumps(run))
    explorer = show.Explorer("dials", ys=(TEXT,), place=tmp_path)
    explorer.slider.value = 1.0
    assert_read_only(explorer.widget)
    assert explorer.still().png()


def test_rollout_inspector(tokenizer, models):
    policy, scorer = models
    cfg = PPOConfig(max_new_tokens=4)
    batch = ppo.rollout(
        policy, policy, scorer, scorer, tokenizer, ["What is"] * 2, cfg, torch.Generator().manual_seed(0)
    )
    batch.prompts[0] = batch.texts[0] = TEXT
    nasty = tokenizer(TEXT)["input_ids"][:4]
    batch.responses[0, :4], batch.response_mask[0, :4] = torch.tensor(nasty), 1
    inspector = show.RolloutInspector(batch, tokenizer, {TEXT: policy, "after": policy})
    for place in range(4):
        inspector.press(place)
        assert {"Button", "Dropdown"} <= assert_read_only(inspector.widget)
    inspector.still()


def test_prompt_bench(tokenizer, models):
    policy, scorer = models
    task = Task(TEXT, "chat", "chat", {}, TEXT, TEXT, None, "instruction", "plain", {})
    bench = show.PromptBench(
        {TEXT: policy},
        tokenizer,
        scorer,
        [SimpleNamespace(text="x"), SimpleNamespace(text=TEXT)],
        TEXT,
        NASTY,
    )
    bench.tasks = {}
    bench.ask()
    assert {"Textarea", "Dropdown", "HTML"} <= assert_read_only(bench.widget)
    bench.ask(TEXT * 50)
    assert "the limit is" in bench.remark.value
    assert_read_only(bench.widget)
    assert task.text == TEXT


# All of them at once, and those of which a drawing could fail; each by itself takes long.
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        *(
            text if "\ud800" in text or "$" in text else pytest.param(text, marks=pytest.mark.slow)
            for text in NASTY
        ),
    ],
)
def test_plots(text):
    runs = {text: [{text: i, "y": float(i)} for i in range(3)]}
    plots = (
        show.curves(
            runs, text, "y", title=text, titles={"y": text}, expected={"y": (0, 1)}, paper={"y": (1.0, text)}
        ),
        show.lines(
            {text: ([text, "b"], [1, 2])},
            paper={text: ([text], [1])},
            source=text,
            xlabel=text,
            ylabel=text,
            title=text,
            level={text: 1.0},
        ),
        show.bars_with_intervals(
            {text: 0.5, "b": (0.4, 0.3, 0.6)}, {text: 0.2}, source=text, ylabel=text, title=text
        ),
        show.bars_with_intervals({text: {text: 0.5, "b": 1.0}}),
        show.mix_table({text: 1.0}, {text: 2.0}, source=text, unit=text, title=text),
        show.stacked_bars({text: {text: 1.0}}, marks={text: 2.0}, title=text, unit=text),
        show.funnel([SimpleNamespace(name=text, rows_in=9, rows_out=5)], title=text, unit=text),
        show.histogram({text: [1, 2], "b": [3]}, xlabel=text, title=text, marks={text: 2.0}),
        show.scatter(
            {text: (1, 2), "b": ([1, 2], [3, 4])},
            names=True,
            xlabel=text,
            ylabel=text,
            title=text,
            paper={text: (1, 1)},
            source=text,
        ),
        show.heat({text: {text: 1.0, "b": 2.0}}, xlabel=text, ylabel=text, title=text),
    )
    for plot in plots:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*layout not applied.*")  # no room for so much text
            assert plot.png().startswith(b"\x89PNG")
        read = Reader(plot.html())
        assert read.tags == {"img"} and read.attributes == {"alt", "style", "src"}
        assert not HIDDEN & set(plot.alt), plot.alt
        plot.alt.encode()
