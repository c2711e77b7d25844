"""What notebooks show: nothing that was written can act,
figures need no screen, the board does not slow training."""

import base64
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from helpers_html import NASTY, TAGS, Reader

from rlhf_lite import show
from rlhf_lite.data.pipeline import Step
from rlhf_lite.evaluate import MODELS
from rlhf_lite.evaluate.intervals import Mean
from rlhf_lite.models.tokens import build_tokenizer, encode_exchanges, encode_prompts
from rlhf_lite.paper import TABLE_1
from rlhf_lite.show import board as board_module
from rlhf_lite.show.board import LiveBoard, duration
from rlhf_lite.show.sketch import sketch
from rlhf_lite.show.source import show_source
from rlhf_lite.show.style import COLOURS, LABELS, Plot
from rlhf_lite.show.text import Html, number, visible
from rlhf_lite.train.loop import Loop
from tools.notebooks import raw_html


def assert_inert(shown, text):
    read = Reader(shown._repr_html_())
    assert read.tags <= TAGS
    assert read.attributes <= {"style", "dir", "scope", "title"}
    assert visible(text).replace("\n", "⏎").replace("\t", "⇥") in read.text.replace("\n", "⏎").replace(
        "\t", "⇥"
    )
    assert all(read.inside), "dollars outside <pre> would be typeset"
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown._repr_html_() + repr(shown))
    assert not set("\u202e\u2066\u2069\u200f\ufeff\u200b") & set(shown._repr_html_() + repr(shown))
    (shown._repr_html_() + repr(shown)).encode()  # a notebook can be saved


# --- text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NASTY)
def test_whatever_a_model_says_is_only_read(text):
    assert_inert(show.safe_text(text), text)
    assert_inert(show.safe_text("x", title=text), text)
    assert_inert(show.side_by_side(text, {"base": text, "other": "fine"}), text)
    assert_inert(show.side_by_side("x", {text: "y"}, {text: text}), text)
    assert_inert(show.table([{"a": text, "b": 1}]), text)
    assert_inert(show.table([{text: 1}]), text)
    assert_inert(show.table([{"a": 1}], caption=text), text)
    assert_inert(show.expect(text, 0.5, (0, 1), paper=text), text)


def test_ordinary_text_stays_exactly_as_it_is():
    text = "Grüße, 你好, שלום, مرحبا 👩‍👩‍👧 é\n  two spaces & <3"
    assert visible(text) == text
    assert text in Reader(show.safe_text(text).html).text


def test_a_right_to_left_answer_keeps_to_its_own_box():
    assert show.side_by_side("x", {"ppo": "שלום"}).html.count('<pre dir="auto"') == 3  # prompt, name, answer


def test_names_take_no_more_room_beside_answers_than_they_need():
    def width(name):
        return float(re.search(r"width:([\d.]+)em", show.side_by_side("x", {name: "an answer"}).html)[1])

    assert width("ppo") < 8 < width("after 999,424 tokens") <= 13 == width("a" * 99)
    assert "nowrap" not in show.side_by_side("x", {"a" * 99: "y"}).html


def test_table_formats_numbers_and_keeps_order():
    shown = show.table(
        [{"name": "lr", "ours": 3e-4, "paper": None}, {"name": "n", "ours": 12725}], caption="knobs"
    )
    assert repr(shown).splitlines() == ["knobs", "name | ours | paper", "lr | 3.00e-04 | –", "n | 12,725 | "]
    assert repr(show.table([{"a": 1, "b": 2}], {"b": "two"})) == "two\n2"
    with pytest.raises(KeyError, match="no row has a column 'c'"):
        show.table([{"a": 1}], ["c"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.7264, "0.726"),
        (12725, "12,725"),
        (0.0, "0.000"),
        (9.65e-6, "9.65e-06"),
        (None, "–"),
        (True, "True"),
        (torch.tensor(0.5), "0.500"),
        (np.float32(2), "2.000"),
        ((4, 9), "4, 9"),
        (float("nan"), "nan"),
        ("x", "x"),
    ],
)
def test_numbers(value, shown):
    assert number(value) == shown


def test_expect_judges_results_but_not_in_fast_mode(monkeypatch):
    monkeypatch.delenv("RLHF_LITE_FAST", raising=False)
    assert "as expected" in repr(show.expect("reward", 0.7, (0.6, 0.8), paper=0.75))
    assert "outside the expected band" in repr(show.expect("reward", 0.9, (0.6, 0.8)))
    assert "outside the expected band" in repr(show.expect("reward", float("nan"), (0.6, 0.8)))
    monkeypatch.setenv("RLHF_LITE_FAST", "1")
    assert "not judged" in repr(show.expect("reward", 0.9, (0.6, 0.8)))


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(["What", "is", "a", "cat", "An", "animal", "?", "."])


@pytest.fixture
def rollout(tokenizer):
    prompts = encode_prompts(tokenizer, ["What is a cat?", "What?"], 32)
    ids = tokenizer.convert_tokens_to_ids(["ĠAn", "Ġanimal"])
    responses = torch.tensor(
        [[*ids, tokenizer.eos_token_id], [ids[0], tokenizer.eos_token_id, tokenizer.pad_token_id]]
    )
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    numbers = torch.arange(6.0).reshape(2, 3)
    names = ("logprobs", "ref_logprobs", "rewards", "values", "advantages", "returns")
    return SimpleNamespace(
        prompts=["What is a cat?", "What?"],
        texts=["An animal", "An"],
        prompt_ids=prompts.ids,
        prompt_mask=prompts.mask,
        responses=responses,
        response_mask=mask,
        scores=torch.tensor([1.5, -0.5]),
        **dict.fromkeys(names, numbers),
    )


def test_show_tokens_of_a_rollout_puts_the_score_under_eos(tokenizer, rollout):
    shown = show.show_tokens(rollout, tokenizer)
    assert repr(shown) == " What is a cat?\n An animalEOS\npad × 3 What?\n AnEOSpad"
    assert "EOS<br><b style='font-size:11px'>score 1.50</b></span>" in shown.html
    assert "EOS<br><b style='font-size:11px'>score -0.50</b></span><span" in shown.html
    assert shown.html.count("score") == 2


def test_show_tokens_can_write_any_number_under_the_response(tokenizer, rollout):
    shown = show.show_tokens(rollout, tokenizer, rows=[1], numbers="values")
    assert "3.00" in shown.html and "4.00" in shown.html and "5.00" not in shown.html  # padding has no value
    with pytest.raises(ValueError, match="has no 'colour'"):
        show.show_tokens(rollout, tokenizer, numbers="colour")


def test_show_tokens_of_exchanges_prompts_and_plain_ids(tokenizer):
    exchanges = encode_exchanges(tokenizer, ["What?", "What is a cat?"], ["An animal.", "A"], 32)
    assert repr(show.show_tokens(exchanges, tokenizer)).splitlines()[1] == " An animal.EOSpad × 2"
    prompts = encode_prompts(tokenizer, ["a", "What is a cat?"], 32)
    assert repr(show.show_tokens(prompts, tokenizer, rows=1)) == "pad × 4 a\n"
    assert repr(show.show_tokens(prompts.ids[1], tokenizer)) == repr(
        show.show_tokens(prompts.ids[1].tolist(), tokenizer)
    )


@pytest.mark.parametrize("text", NASTY[:-2])
def test_tokens_are_escaped(tokenizer, text):
    exchanges = encode_exchanges(tokenizer, ["a"], [text], 512)
    read = Reader(show.show_tokens(exchanges, tokenizer).html)
    assert read.tags == {"div", "pre", "span"} and read.attributes == {"style"}


def test_token_table_has_a_row_per_token(tokenizer, rollout):
    shown = show.token_table(rollout, tokenizer, row=1, columns=("values", "returns"))
    assert repr(shown).splitlines()[1:] == [
        "token | values | returns",
        " An | 3.000 | 3.000",
        "<|endoftext|> | 4.000 | 4.000",
    ]


# --- source -------------------------------------------------------------------------------------------------


def test_show_source_names_the_place_and_escapes():
    from rlhf_lite.models.losses import gae

    shown = show_source(gae)
    assert repr(shown).startswith("# rlhf_lite/models/losses.py, line ")
    assert "def gae(" in repr(shown) and "def gae(" in Reader(shown.html).text
    assert Reader(show_source(show.safe_text).html).tags == {
        "div",
        "small",
        "pre",
        "span",
    }  # a function full of HTML


def test_show_source_can_show_a_part():
    assert repr(show_source(Loop.log, lines=(1, 1))).splitlines()[1].startswith("def log(")
    part = show_source(Loop.log, part=("for name", ""))
    assert repr(part).splitlines()[1].startswith("for name")
    assert '"""' not in repr(show_source(Loop.log, docstring=False))
    with pytest.raises(ValueError, match="has lines 1 to"):
        show_source(Loop.log, lines=(5, 500))
    with pytest.raises(ValueError, match="contains 'no such line'"):
        show_source(Loop.log, part=("no such line", ""))
    with pytest.raises(ValueError, match="no Python source"):
        show_source(len)


# --- figures ------------------------------------------------------------------------------------------------

TRACE = [
    {"step": i, "loss": 1 / (i + 1), "kl": float(i)} | ({"valid": 0.5} if i % 5 == 4 else {})
    for i in range(20)
]
FIGURES = {
    "one trace": lambda: show.curves(TRACE, "step", "loss"),
    "policies": lambda: show.curves(
        {"ppo": [TRACE, TRACE], "ppo_ptx": TRACE}, ys=("loss", "kl"), smooth=3, title="PPO"
    ),
    "history": lambda: show.curves(
        {"step": [0, 1, 2, 3], "loss": [4, 3, 2, 1], "valid": [3, 2]}, ys=("loss", "valid")
    ),
    "paper and band": lambda: show.curves(
        TRACE, ys="kl", paper={"kl": (5.0, "Fig. 34")}, expected={"kl": (10, 20)}, logy=True
    ),
    "lines": lambda: show.lines(
        {"ppo": (["S", "M"], [(0.5, 0.4, 0.6), 0.6])},
        paper={"PPO": (["S", "M"], [0.5, 0.6])},
        source="Figure 1",
        level={"sft": 0.5},
    ),
    "bars": lambda: show.bars_with_intervals(
        {"base": (0.1, 0.05, 0.2), "sft": Mean(0.5, 0.4, 0.6, 9), "ppo": 0.7},
        {"ppo": 0.6},
        source="Figure 1",
        baseline=0.5,
    ),
    "groups": lambda: show.bars_with_intervals(
        {"truth": {"sft": {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3}, "ppo": 0.6}, "form": {"sft": 0.2}},
        {"truth": {"sft": 0.4}},
    ),
    "mix": lambda: show.mix_table(dict.fromkeys(TABLE_1.value, 10.0), TABLE_1),
    "stacked_bars": lambda: show.stacked_bars(
        {"ppo": {"weights": 2.0, "Adam": 4.0}, "sft": {"weights": 1.0}}, marks={"8 GB": 8}
    ),
    "funnel": lambda: show.funnel([Step("repeats", 100, 90), Step("cap", 90, 80)]),
    "histogram": lambda: show.histogram(
        {"sft": [1, 2, 2, 3], "ppo": torch.tensor([2.0, 3.0])}, marks={"zero": 0.0}
    ),
    "log histogram": lambda: show.histogram([1, 10, 100, 1000], logx=True, logy=True),
    "scatter": lambda: show.scatter(
        {"sft": (0.1, (0.2, 0.1, 0.3)), "ppo": (0.5, 0.6)}, names=True, diagonal=True
    ),
    "many points": lambda: show.scatter(
        {"": ([1, 2, 3, 4], torch.tensor([1.0, 2, 3, 5]))}, paper={"GPT": (1, 2)}, source="Figure 1"
    ),
    "heat": lambda: show.heat({"S": {"a": 0.1, "b": 0.9}, "M": {"a": None}}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_without_a_screen_and_says_what_it_shows(name):
    plot = FIGURES[name]()
    assert plot.png().startswith(b"\x89PNG") and len(plot.png()) < 40_000
    assert len(plot.alt) > 30 and "None" not in plot.alt and "  " not in plot.alt
    assert plot.dpi <= 90 and isinstance(plot, Plot)


def test_figures_need_no_pyplot_and_no_notebook():
    code = """import sys; from rlhf_lite import show
show.curves([{'step': 0, 'a': 1.0}], ys='a').png()
assert not {'matplotlib.pyplot', 'torch', 'IPython'} & sys.modules.keys()"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1], timeout=120)


def test_the_alt_text_carries_the_numbers_the_source_and_reaches_html():
    plot = show.bars_with_intervals(
        {"sft": (0.5, 0.4, 0.6), "ppo_ptx": 0.7}, ({"sft": 0.45}, "Figure <1>"), ylabel="win rate"
    )
    assert plot.alt == (
        "Bar chart of win rate. SFT 0.500 [0.400, 0.600]; PPO-ptx 0.700. "
        "In grey the paper's values (Figure <1>)."
    )
    assert 'alt="Bar chart of win rate. ' in plot.html() and "<1>" not in plot.html()
    assert show.heat([[1, 2]], alt="mine").alt == "mine"


@pytest.mark.parametrize("name", FIGURES)
def test_no_legend_lies_on_a_curve_or_a_bar(name):
    plot = FIGURES[name]()
    plot.png()
    legends = [*plot.legends, *(ax.get_legend() for ax in plot.axes if ax.get_legend())]
    for box in (legend.get_window_extent() for legend in legends):
        assert not any(box.overlaps(ax.bbox) for ax in plot.axes)
        assert plot.bbox.x0 <= box.x0 and box.x1 <= plot.bbox.x1 and box.y0 >= 0


def test_a_legend_is_smaller_than_what_it_explains():
    names = [f"a model, number {i}" for i in range(6)]
    bars = {how: dict.fromkeys(names, 0.5) for how in ("sampled", "greedy")}
    paper = {how: {names[0]: 0.4} for how in bars}
    plot = show.bars_with_intervals(bars, (paper, "175B, Figures 1 and 3, read off the plots"))
    plot.png()
    (ax,), (legend,) = plot.axes, plot.legends
    assert ax.bbox.width > 0.8 * plot.bbox.width and legend.get_window_extent().height < ax.bbox.height / 2


def test_a_notebook_shows_a_figure_as_one_picture_that_has_its_alt_text():
    pytest.importorskip("IPython")
    from IPython.core.formatters import DisplayFormatter

    plot = show.heat([[1, 2]], alt='a "square" <of> numbers')
    data, metadata = DisplayFormatter().format(plot)
    assert data == {"text/html": plot.html(), "text/plain": plot.alt} and not metadata
    assert 'alt="a &quot;square&quot; &lt;of&gt; numbers"' in plot.html() and "max-width:100%" in plot.html()


def test_several_runs_are_a_mean_and_a_range():
    runs = [[{"step": s, "loss": level + s} for s in range(10)] for level in (0.0, 2.0)]
    plot = show.curves({"ppo": runs}, ys="loss")
    (line,), (band,) = plot.axes[0].lines, plot.axes[0].collections
    assert list(line.get_ydata()) == [1.0 + s for s in range(10)]
    box = band.get_paths()[0].get_extents()
    assert (box.ymin, box.ymax) == (0.0, 11.0) and "(2 runs)" in plot.alt


def test_policies_keep_their_colour_under_either_name():
    assert COLOURS.keys() == LABELS.keys() == set(MODELS)
    assert len(set(COLOURS.values())) == len(MODELS)
    assert show.colour("ppo_ptx") == show.colour("PPO-ptx", 3) == COLOURS["ppo_ptx"]


def test_labels_are_never_read_as_math():
    assert show.heat([[1.0]], [r"$\frac{1}$"], ["$x_"]).png()


def test_wrong_input_is_named():
    with pytest.raises(
        ValueError, match="no run has values for reward over step; it has: kl, loss, step, valid"
    ):
        show.curves(TRACE, ys="reward")
    with pytest.raises(ValueError, match="2 row and 1 column names"):
        show.heat([[1]], ["a", "b"], ["c"])
    with pytest.raises(ValueError, match="mean, low, high"):
        show.bars_with_intervals({"a": (1, 2)})


def test_steps_without_a_number_are_left_out():
    plot = show.curves(
        [{"step": 0, "a": None}, {"step": 1, "a": 2.0}, {"step": 2}, {"step": 3, "a": float("nan")}], ys="a"
    )
    assert list(plot.axes[0].lines[0].get_xdata()) == [1.0]


def test_figures_can_be_drawn_from_threads():
    drawn = []
    threads = [threading.Thread(target=lambda: drawn.append(FIGURES["one trace"]().png())) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(drawn) == 3 and len(set(drawn)) == 1


# --- the board ----------------------------------------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch):
    """A notebook that records what is shown, and a clock that only moves when told."""
    shown, clock = [], SimpleNamespace(now=0.0)
    monkeypatch.setattr(board_module, "_in_notebook", lambda: True)
    for name in ("monotonic", "thread_time"):
        monkeypatch.setattr(board_module.time, name, lambda: clock.now)
    monkeypatch.setattr(LiveBoard, "_show", lambda self, plot: shown.append(plot))
    monkeypatch.setattr(board_module, "sketch", lambda plot: plot.alt)
    return SimpleNamespace(shown=shown, clock=clock)


def pictures(screen) -> list[str]:
    """What changed on the screen but for the line that says how far the run is."""
    found = [shown.html.rpartition("</pre>")[2] for shown in screen.shown if isinstance(shown, Html)]
    return [picture for picture, before in zip(found, [None, *found], strict=False) if picture != before]


def test_the_board_draws_at_most_four_times_a_second(screen):
    board = LiveBoard("loss", total=1000)
    for step in range(1000):
        screen.clock.now += 0.01
        board.report(step, loss=float(step))
    assert 35 <= len(pictures(screen)) <= 42 and board.drawn == len(pictures(screen)) + 1  # 10 seconds
    assert len(board.history["loss"]) == 1000


def test_the_board_gives_at_most_a_tenth_of_the_time_to_drawing(screen, monkeypatch):
    def slowly(plot):
        screen.clock.now += 1
        return plot.alt

    monkeypatch.setattr(board_module, "sketch", slowly)
    board = LiveBoard("loss")
    for step in range(1000):
        screen.clock.now += 0.1
        board.report(step, loss=1.0)
    assert board.drawn <= 11  # 100 seconds of work, one second a drawing


def test_the_board_says_at_every_step_how_far_the_run_is(screen, monkeypatch):
    monkeypatch.setattr(
        board_module, "sketch", lambda plot: setattr(screen.clock, "now", screen.clock.now + 9)
    )
    board = LiveBoard("loss", total=21)
    for step in range(20):
        board.report(step, loss=1.0)
        screen.clock.now += 0.5
    assert [repr(shown).split(",")[0] for shown in screen.shown] == [f"step {n} of 21" for n in range(1, 21)]


def test_curves_drawn_onto_an_old_figure_are_those_of_a_new_one():
    def drawn(n, level, onto=None):
        run = [{"step": i, "a": level + i, "b": -i, "moved/kl_beta": 0.5} for i in range(n)]
        beside = {"expected": {"a": (0, 1)}, "paper": {"b": (1.0, "Figure 1")}}
        return show.curves(
            {"ppo": [run, run], "sft": run}, ys=("a", "b"), title=f"{n} steps", onto=onto, **beside
        )

    old = drawn(50, 1000.0)
    sketch(old)
    assert sketch(drawn(9, 1.0, onto=old)) == sketch(drawn(9, 1.0))
    assert drawn(9, 1.0, onto=old) is old and show.curves([{"a": 1.0}], ys="a", onto=old) is not old


def test_a_sketch_takes_a_third_of_the_time_of_a_picture_at_most():
    rows, names = [{"step": i, **{name: float(i % 7) for name in "abcde"}} for i in range(200)], [*"abcde"]
    took = {sketch: [], Plot.png: []}
    for draw in (sketch, Plot.png) * 3:  # the first time fonts are read; the best of them counts
        begin = time.thread_time()
        drawn = draw(show.curves(rows, ys=names))
        took[draw].append(time.thread_time() - begin)
        if draw is sketch:
            assert drawn.startswith('<img alt="Line chart over step. a from') and len(drawn) < 40_000
    assert min(took[sketch]) < min(took[Plot.png]) / 3


@pytest.mark.parametrize("text", NASTY)
def test_a_sketch_holds_lines_and_letters_and_no_more(text):
    rows = [{"step": i, text: float(i), "moved/kl_beta": 0.0} for i in range(3)]
    plot = show.curves(
        {text: [rows, rows]}, ys=text, title=text, expected={text: (0, 1)}, paper={text: (1.0, text)}
    )
    picture = sketch(plot).partition("base64,")[2].partition('"')[0]
    svg = ElementTree.fromstring(base64.b64decode(picture))
    tags = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert tags == {"svg", "rect", "path", "polyline", "text"}


def test_the_last_picture_is_complete_and_carries_no_time(screen):
    with LiveBoard("loss") as board:
        for step in range(3):
            board.report(step, loss=float(step))
    assert screen.shown[-1].alt == "Line chart over step. loss from 0.000 to 2.000."
    count = len(screen.shown)
    board._ipython_display_()
    assert len(screen.shown) == count


def test_the_board_tells_the_time_left(screen):
    board = LiveBoard("loss", total=101)
    for step in range(11):
        board.report(step, loss=1.0)
        screen.clock.now += 1
    assert board.remaining().startswith("step 11 of 101, about 1 min 39 s left")
    assert [duration(s) for s in (5, 65, 7380)] == ["5 s", "1 min 5 s", "2 h 3 min"]


def test_a_board_whose_metrics_come_later_waits_for_them(screen):
    board = LiveBoard("loss/valid")
    monkey = board_module.sketch(board.figure())
    assert monkey == "No curves yet." and sketch(Plot(5.4, 0.6, alt=monkey)).startswith('<img alt="No curves')
    board.report(0, loss=1.0)
    assert board.drawn == 1


def test_a_new_run_gets_a_clean_board():
    board = LiveBoard()
    for step in (0, 1, 2, 0):
        board.report(step, loss=1.0)
    assert board.history == {"step": [0], "loss": [1.0]}


def test_the_board_controls_a_loop_without_a_notebook():
    board = LiveBoard(("loss", "kl"))
    with Loop("test", control=board, progress=False) as loop:
        for step in loop.steps(50):
            loop.log(loss=1.0 / (step + 1))
            if step == 9:
                board.stop()
    assert board.stopped and loop.stopped and len(board.history["loss"]) == 10
    board.close()
    assert board._repr_html_().startswith("<img alt=") and repr(board) == "LiveBoard(10 steps: loss)"


def test_without_a_screen_nothing_is_drawn_before_the_end():
    board = LiveBoard(total=100)
    for step in range(99):
        board.report(step, loss=1.0)
    assert board._final is None
    board.report(99, loss=1.0)
    assert board._final.alt == "Line chart over step. loss from 1.000 to 1.000."


# --- the whole package --------------------------------------------------------------------------------------


def test_no_text_is_ever_built_into_html_unescaped():
    """Nowhere in the package is HTML(...) or Markdown(...)
    given anything but a literal or an escaped text."""
    safe = ("escape(", "inert(", ".html", "_repr_html_()")
    for path in sorted((Path(__file__).parents[1] / "rlhf_lite").rglob("*.py")):
        for call in raw_html(path.read_text()):
            assert any(word in call for word in safe), f"{path}: {call}"


def test_every_name_can_be_imported():
    for name in show.__all__:
        assert getattr(show, name) is not None
    assert not {path.stem for path in Path(show.__file__).parent.glob("*.py")} & set(show.__all__), (
        "a module hides a name"
    )
    with pytest.raises(AttributeError, match="it has: curves"):
        getattr(show, "nothing")  # noqa: B009


def test_a_running_mean_does_not_begin_with_one_sample():
    """The first value is by chance the best; a mean that began there would seem to fall for long."""
    noisy = [{"step": i, "accuracy": 1.0 if i == 0 else 0.5 + 0.1 * (i % 2)} for i in range(100)]
    plot = show.curves(noisy, ys=("accuracy",), smooth=20)
    first = float(re.search(r"accuracy from ([\d.]+)", plot.alt)[1])
    assert first == pytest.approx(0.6, abs=0.02)
