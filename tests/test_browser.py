"""Panels in a real browser: JupyterLab in the system's Chromium, nothing fetched from anywhere else.

Skipped where Chromium or playwright is missing (Debian: apt-get install chromium; pip install playwright).
Screenshots of each step are kept in the folder that $RLHF_LITE_SCREENSHOTS names, else in pytest's own
temporary folder. $RLHF_LITE_KERNEL_PYTHON may name another Python for the kernel, to try other versions of
ipykernel.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium here, so panels were NOT tried in a browser", allow_module_level=True)
pytestmark = [
    pytest.mark.slow,
    *(
        pytest.mark.skipif(find_spec(name) is None, reason=f"no {name}: panels were NOT tried in a browser")
        for name in ("playwright", "jupyterlab")
    ),
]

NASTY = "<img src=x onerror=window.pwned=1> $x$ \\\\(y\\\\) **b** \\x07 \\u202egnp"  # as it stands in a cell
CELLS = [
    f'''
NASTY = "{NASTY}"
'''
    + """
import ipykernel, json, time
print("ipykernel", ipykernel.__version__)
from pathlib import Path
from rlhf_lite import PPOConfig, show
from rlhf_lite.train.loop import Loop

def practice(cfg, control):
    with Loop("count", control=control, progress=False) as loop:
        for step in loop.steps(400):
            now = loop.current(cfg)
            loop.log(beta=now.kl_beta, square=step**2)
            control.show([{"prompt": NASTY, "answer": f"step {step}"}])
            time.sleep(0.05)

panel = show.TrainingPanel(practice, PPOConfig(), ("kl_beta", "lr", "clip"), ys=("square", "beta"))
panel.widget.add_class("rl-light")
panel
""",
    """
place = Path("experiments/dials")
place.mkdir(parents=True, exist_ok=True)
for value in (0.0, 1.0, 2.0):
    trace = [{"step": s, "gold/mean": value * s} for s in range(9)]
    samples = [{"prompt": NASTY, "response": NASTY, "gold": 1.0}]
    run = dict(arm=value, seed=0, stage="ppo", trace=trace, samples=samples)
    (place / f"{value:g}-seed-0.json").write_text(json.dumps(run))
show.Explorer("dials", ys=("gold/mean",), place=Path("experiments"))
""",
    """
from rlhf_lite.labels.store import open_store

texts = [f"answer {j} {NASTY}" for j in range(9)]
prompts = [f"Say hello <b>{i}</b>. {NASTY}" for i in range(3)]
rows = [{"prompt_id": f"p{i}", "prompt": prompt, "completions": texts} for i, prompt in enumerate(prompts)]
ranking = show.RankingPanel(rows, "ada", open_store("labels", "ada"), repeats=0)
ranking
""",
    """
import torch
from rlhf_lite import ModelConfig
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.train import ppo

tokenizer = build_tokenizer(["What", "is", "a", "cat"])
policies = {
    name: new_policy(ModelConfig(), tokenizer, seed=seed) for seed, name in enumerate(("before", "after"))
}
scorer = new_scalar_model(policies["before"])
scorer.config.trained_rankings = 1
batch = ppo.rollout(
    policies["before"], policies["before"], scorer, scorer, tokenizer, ["What is a cat", NASTY],
    PPOConfig(max_new_tokens=6), torch.Generator().manual_seed(0),
)
show.RolloutInspector(batch, tokenizer, policies)
""",
    """
from rlhf_lite.show.bench import EXAMPLES

bench = show.PromptBench(policies, tokenizer, scorer, examples=[*EXAMPLES, NASTY])
bench
""",
    """
def exercise(cfg, control):
    value_model = new_scalar_model(policies["before"])
    ppo.train_ppo(policies["after"], policies["before"], scorer, value_model, tokenizer,
                  ["What is a cat"] * 64, cfg, loop={"control": control, "progress": False})

heavy = show.TrainingPanel(exercise, PPOConfig(episodes=64_000, batch_size=64, minibatches=2), ("kl_beta",))
heavy.widget.add_class("rl-heavy")
heavy
""",
]
BOARD = """
board = show.LiveBoard(("a", "b", "c", "d", "e"), total=60)
with Loop("count", control=board, progress=False) as loop:
    for step in loop.steps(60):
        loop.log(**dict.fromkeys("abcde", float(step)))
        time.sleep(0.12)
display(show.expect("steps", len(loop.rows), (50, 60)))
board
"""
# Pictures and tables that reach beyond what holds them, where that cannot be scrolled.
CUT = """() => [...document.querySelectorAll('.jp-OutputArea img, .jp-OutputArea table')].filter(thing => {
    for (let box = thing.parentElement; !box.matches('.jp-OutputArea'); box = box.parentElement) {
        if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) return false;
        if (thing.getBoundingClientRect().right > box.getBoundingClientRect().right + 1) return true;
    }
    return false;
}).map(thing => thing.outerHTML.slice(0, 100))"""
# What the last cell shows, each time it changes: when, its words, its picture.
FOLLOW = """() => { window.seen = []; setInterval(() => {
    const shown = [...document.querySelectorAll('.jp-CodeCell')].at(-1).querySelector('.jp-OutputArea');
    const now = [shown.innerText.trim(), shown.querySelector('img')?.src ?? ''], last = window.seen.at(-1);
    if (!last || last[1] !== now[0] || last[2] !== now[1]) window.seen.push([Date.now(), ...now]);
}, 10); }"""
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own, with nothing of the user's settings: its address."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [
        {
            "cell_type": "code",
            "id": str(i),
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text.strip(),
        }
        for i, text in enumerate(CELLS)
    ]
    other = os.environ.get("RLHF_LITE_KERNEL_PYTHON")
    kernel = {
        "kernelspec": {
            "name": "other" if other else "python3",
            "display_name": "Python 3",
            "language": "python",
        }
    }
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    (folder / "panels.ipynb").write_text(json.dumps(book))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    if other:
        spec = {
            "argv": [other, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            **kernel["kernelspec"],
        }
        (folder / "data" / "kernels" / "other").mkdir(parents=True)
        (folder / "data" / "kernels" / "other" / "kernel.json").write_text(json.dumps(spec))
    own |= {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    own |= {"IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status", server)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str, server: subprocess.Popen) -> None:
    for _ in range(120):
        try:
            return urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.5)
    raise AssertionError("the server does not answer")


@pytest.fixture
def page(lab, tmp_path):
    """A page that notes every request to another host and every error."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        page = browser.new_context(viewport={"width": 1280, "height": 1400}).new_page()
        page.outside, page.errors = [], []
        here = (lab, lab.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(here) else page.outside.append(r.url))
        page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.shots = Path(os.environ.get("RLHF_LITE_SCREENSHOTS") or tmp_path)
        page.shots.mkdir(parents=True, exist_ok=True)
        page.goto(f"{lab}/lab/workspaces/test/tree/panels.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        page.wait_for_function(IDLE, timeout=60_000)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        page.locator(".rl-heavy").wait_for(timeout=60_000)
        yield page
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        browser.close()


def steps_done(panel) -> int:
    """From the table of answers, which is rewritten every step."""
    text = panel.locator(".rl-samples").inner_text()
    return int(text.rsplit("step ", 1)[1].split()[0]) if "step " in text else -1


def wait_until(page, true, seconds=20.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, [
            part.inner_text() for part in page.locator(".rl-status, .rl-rank-head").all()
        ]
        page.wait_for_timeout(20)


def assert_quiet(page) -> None:
    """No script of anybody's ran, no formula was set, nothing went wrong, nobody else was asked."""
    assert (
        page.evaluate("() => window.pwned") is None and page.locator("mjx-container, .MathJax").count() == 0
    )
    assert page.outside == [] and page.errors == []


def test_train_move_pause_and_stop(page):
    panel = page.locator(".rl-light")
    panel.locator("button.rl-train").click()
    wait_until(page, lambda: steps_done(panel) > 3)
    assert panel.locator("button.rl-train").is_disabled()
    handle = panel.locator(".rl-kl_beta .noUi-handle")
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")  # 0.30 -> 0.33, while it trains
    wait_until(
        page,
        lambda: "beta from 0.300 to 0.330" in (panel.locator(".rl-picture img").get_attribute("alt") or ""),
    )
    page.screenshot(path=page.shots / "training.png")
    panel.locator("button.rl-pause").click()
    page.wait_for_timeout(400)
    held = steps_done(panel)
    page.wait_for_timeout(500)
    assert steps_done(panel) <= held + 1
    panel.locator("button.rl-pause").click()
    wait_until(page, lambda: steps_done(panel) > held + 2)
    clicked = time.monotonic()
    panel.locator("button.rl-stop").click()
    wait_until(page, lambda: "stopped after" in panel.locator(".rl-status").inner_text())
    assert time.monotonic() - clicked < 2
    page.screenshot(path=page.shots / "stopped.png")
    assert "<img src=x" in panel.locator(".rl-samples").inner_text()
    assert_quiet(page)


def run_cell(page, index: int) -> None:
    """Run one cell (again)."""
    page.evaluate(
        """async index => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        index,
    )


def add_cell(page, source: str) -> None:
    """A new cell at the end of the notebook, not run yet."""
    page.evaluate(
        """async source => {
            const book = window.jupyterapp.shell.currentWidget.content;
            book.activeCellIndex = book.widgets.length - 1;
            await window.jupyterapp.commands.execute('notebook:insert-cell-below');
            book.activeCell.model.sharedModel.setSource(source);
        }""",
        source,
    )


def interrupt(page) -> None:
    """What ■ does."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")


def test_a_cell_that_is_run_again_ends_its_paused_run_and_the_stop_button_of_the_notebook_ends_the_new_one(
    page,
):
    panel = page.locator(".rl-light")
    panel.locator("button.rl-train").click()
    wait_until(page, lambda: steps_done(panel) > 3)
    panel.locator("button.rl-pause").click()
    run_cell(page, 0)
    wait_until(page, lambda: panel.locator("button.rl-train").is_enabled())
    panel.locator("button.rl-train").click()
    wait_until(page, lambda: steps_done(panel) > 3)
    handle = panel.locator(".rl-kl_beta .noUi-handle")
    handle.focus()
    page.keyboard.press("ArrowRight")
    picture = panel.locator(".rl-picture img")
    wait_until(page, lambda: "kl_beta 0.31 from step" in (picture.get_attribute("alt") or ""))
    interrupt(page)
    wait_until(page, lambda: "the kernel was interrupted" in panel.locator(".rl-status").inner_text())
    page.screenshot(path=page.shots / "interrupted.png")
    assert_quiet(page)


def test_the_line_and_the_picture_of_a_board_keep_up_with_the_run(page):
    add_cell(page, BOARD)
    page.evaluate(FOLLOW)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    wait_until(page, lambda: "as expected" in page.evaluate("() => window.seen.at(-1)[1]"), 60)
    seen = page.evaluate("() => window.seen")
    steps = {line.split(" of ")[0] for _, line, _ in seen if line.startswith("step ")}
    assert len(steps) > 0.9 * 59
    drawn = [b[0] for a, b in zip(seen, seen[1:], strict=False) if a[2] != b[2]]
    gaps = sorted(b - a for a, b in zip(drawn, drawn[1:], strict=False))  # milliseconds
    assert gaps[len(gaps) // 2] < 1000 and gaps[-1] < 2500  # once a second, also where others work, too
    assert page.evaluate("() => [...document.querySelectorAll('.jp-OutputArea img')].every(img => img.alt)")
    assert_quiet(page)


def test_an_interrupted_training_goes_on_to_a_verdict_that_says_so(page):
    add_cell(page, BOARD)
    page.evaluate(FOLLOW)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    wait_until(page, lambda: "step 9 of 60" in page.evaluate("() => window.seen.at(-1)[1]"), 60)
    interrupt(page)
    wait_until(page, lambda: "not judged" in page.evaluate("() => window.seen.at(-1)[1]"), 60)
    said = page.evaluate("() => window.seen.at(-1)[1]")
    assert "count, stopped after" in said and "of 60 steps" in said and "✓" not in said
    assert_quiet(page)


def test_pictures_and_tables_are_not_cut_on_a_narrow_page(page):
    page.set_viewport_size({"width": 1000, "height": 1400})
    panel = page.locator(".rl-light")
    panel.locator("button.rl-train").click()
    wait_until(page, lambda: panel.locator(".rl-picture img").count() > 0)
    panel.locator("button.rl-stop").click()
    wait_until(page, lambda: "stopped after" in panel.locator(".rl-status").inner_text())
    assert page.evaluate(CUT) == []
    page.screenshot(path=page.shots / "narrow.png")


def test_a_slider_is_dragged_through_recorded_runs(page):
    handle, base = (
        page.locator(".rl-explorer .noUi-handle").first,
        page.locator(".rl-explorer .noUi-base").first,
    )
    handle.scroll_into_view_if_needed()
    from_, track = handle.bounding_box(), base.bounding_box()
    page.mouse.move(from_["x"] + 5, from_["y"] + 5)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"], from_["y"] + 5, steps=8)
    page.mouse.up()
    picture = page.locator(".jp-OutputArea img[alt*='gold/mean']")
    wait_until(page, lambda: "to 16" in (picture.last.get_attribute("alt") or ""))
    page.screenshot(path=page.shots / "explorer.png")
    assert_quiet(page)


def choose(page, row: int, number: int, keyboard: bool) -> None:
    """Press the button `number` of the row-th choice on the page."""
    button = (
        page.locator(".rl-rank-body .rl-choice").nth(row).get_by_role("button", name=str(number), exact=True)
    )
    if keyboard:
        button.focus()
        page.keyboard.press("Space")
    else:
        button.click()
    wait_until(page, lambda: "mod-active" in (button.get_attribute("class") or ""))


def go_on(page, keyboard: bool) -> None:
    button = page.locator("button.rl-next")
    wait_until(page, button.is_enabled)
    if keyboard:
        button.focus()
        page.keyboard.press("Enter")
    else:
        button.click()


def test_nine_answers_are_ranked_by_mouse_and_by_keyboard_and_a_restart_finds_the_place(page):
    head = page.locator(".rl-rank-head")
    head.scroll_into_view_if_needed()
    for done, keyboard in enumerate((False, True)):
        wait_until(page, lambda done=done: f"{done} of 3 done" in head.inner_text())
        page.wait_for_selector("button.rl-back", state="detached")
        for row in range(9):
            choose(page, row, 1 + row % 7, keyboard)
        go_on(page, keyboard)
        page.wait_for_selector("button.rl-back")
        wait_until(page, lambda: head.bounding_box()["y"] > 0)  # the page begins where one can see it
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.title") == "1: place of A, 1 is best"
        for row in range(9):
            choose(page, row, min(9, 1 + row // 2), keyboard)
        page.screenshot(path=page.shots / f"ranked-by-{'keyboard' if keyboard else 'mouse'}.png")
        go_on(page, keyboard)
    wait_until(page, lambda: "2 of 3 done" in head.inner_text())
    page.wait_for_selector("button.rl-back", state="detached")
    choose(page, 0, 5, False)
    page.wait_for_timeout(500)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_timeout(1000)
    page.wait_for_function(IDLE, timeout=60_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_selector(".rl-rank-head", timeout=60_000)
    wait_until(page, lambda: "2 of 3 done" in head.inner_text())
    chosen = page.locator(".rl-rank-body .rl-choice").first.locator("button.mod-active")
    wait_until(page, lambda: chosen.count() == 1 and chosen.inner_text() == "5")
    page.screenshot(path=page.shots / "found-again.png")
    assert_quiet(page)


def test_tab_reaches_the_yes_no_questions(page):
    body = page.locator(".rl-rank-body")
    fold, question = body.locator("button.rl-rank-fold").first, body.locator("input:visible").first
    body.locator(".rl-choice").first.get_by_role("button", name="7", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    question.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    wait_until(page, lambda: "(1 yes)" in fold.inner_text())
    assert_quiet(page)


def test_tokens_are_pressed_and_another_response_chosen(page):
    said = page.locator(".rl-inspect-said")
    said.scroll_into_view_if_needed()
    chips, before = page.locator("button.rl-token:visible"), said.inner_text()
    chips.nth(2).click()
    wait_until(page, lambda: said.inner_text() != before and "PPO wants to make it" in said.inner_text())
    page.locator(".rl-inspect-episode select").select_option(index=1)
    caption = page.locator(".jp-OutputArea caption", has_text="<img src=x")
    wait_until(page, lambda: caption.count() > 0)
    page.locator(".rl-inspect-shade select").select_option(label="reward")
    chips.first.focus()
    page.keyboard.press("Enter")
    page.screenshot(path=page.shots / "inspector.png")
    assert_quiet(page)


def test_a_prompt_is_typed_and_asked_again(page):
    box, reply = page.locator(".rl-bench-box textarea"), page.locator(".rl-bench-reply")
    box.scroll_into_view_if_needed()
    box.fill("What <b>is</b> a $cat$")
    page.locator("button.rl-bench-ask").click()
    wait_until(page, lambda: "What <b>is</b> a $cat$" in reply.inner_text() and "after" in reply.inner_text())
    assert "This lies outside the models' world. They do not know 'is', 'cat': they see" in reply.inner_text()
    first = reply.inner_text()
    page.locator("button.rl-bench-again").click()
    wait_until(page, lambda: reply.inner_text() != first)
    page.screenshot(path=page.shots / "bench.png")
    assert_quiet(page)


def test_ctrl_enter_asks_what_is_in_the_box_and_runs_no_cell(page):
    box, reply = page.locator(".rl-bench-box textarea"), page.locator(".rl-bench-reply")
    counts = "() => [...document.querySelectorAll('.jp-InputPrompt')].map(place => place.textContent)"
    before = page.evaluate(counts)
    for typed in ("is a cat", "a cat is\na cat", "a a", "is is\nis", "a cat"):
        box.fill(typed)
        box.press("Control+Enter")
        wait_until(page, lambda typed=typed: typed in reply.inner_text())
        assert box.input_value() == typed and "outside" not in reply.inner_text()
    box.press("Enter")
    assert box.input_value() == "a cat\n" and page.evaluate(counts) == before
    assert_quiet(page)


def test_examples_are_pressed_by_mouse_and_reached_by_tab(page):
    examples, reply = page.locator("button.rl-bench-example"), page.locator(".rl-bench-reply")
    examples.first.scroll_into_view_if_needed()
    examples.nth(1).click()
    wait_until(page, lambda: examples.nth(1).inner_text() in reply.inner_text())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(page, lambda: examples.nth(2).inner_text() in reply.inner_text())
    own = page.locator("button.rl-bench-example", has_text="<img")
    own.focus()
    page.keyboard.press("Space")
    wait_until(page, lambda: "<img src=x" in reply.inner_text())
    assert page.locator("button.rl-bench-example img").count() == 0
    assert_quiet(page)


ANSWERED = """([heavy, pause]) => new Promise(done => {
    const status = heavy.querySelector('.rl-status'), before = status.innerText, begin = performance.now();
    const watch = new MutationObserver(() => {
        if (/paused|going on/.test(status.innerText)) { watch.disconnect(); done(performance.now() - begin); }
    });
    watch.observe(status, {childList: true, subtree: true, characterData: true});
    pause.click();
})"""


def test_clicks_are_answered_while_a_model_trains(page):
    heavy = page.locator(".rl-heavy")
    heavy.scroll_into_view_if_needed()
    heavy.locator("button.rl-train").click()
    wait_until(page, lambda: "step" in heavy.locator(".rl-status").inner_text(), 60)
    pause, took = heavy.locator("button.rl-pause"), []
    for _ in range(10):
        took.append(page.evaluate(ANSWERED, [heavy.element_handle(), pause.element_handle()]))
        page.wait_for_timeout(300)
    heavy.locator("button.rl-stop").click()
    wait_until(page, lambda: "stopped after" in heavy.locator(".rl-status").inner_text())
    version = page.locator(".jp-OutputArea pre", has_text="ipykernel").first.text_content().strip()
    (page.shots / "milliseconds-to-answer-a-click.json").write_text(
        json.dumps({version: [round(ms) for ms in took]})
    )
    page.screenshot(path=page.shots / "heavy.png")
    assert len(took) == 10
    assert_quiet(page)
