"""Every command from the outside: its help, its errors, what it prints and what it leaves behind."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from rlhf_lite import cli
from rlhf_lite.chain import store, workers
from rlhf_lite.chain.recipes import TinyPlan
from rlhf_lite.cli import terminal
from rlhf_lite.cli.chains import chain_config, profile
from rlhf_lite.cli.conversation import Panel
from rlhf_lite.data.files import ROOT

COMMANDS = list(cli.COMMANDS)
ARGUMENTS = {"reward": ["--rankings", "x"]}
STAGES = (
    "base",
    "prompts",
    "sft",
    "start",
    "flan",
    "t0",
    "rankings",
    "reward",
    "baselines",
    "ppo",
    "ppo_ptx",
    "evaluation",
)


@pytest.fixture
def shell(capsys, monkeypatch):
    """Run a command as the shell would: (exit code, stdout, stderr)."""

    class Typed(io.TextIOWrapper):
        tty = False

        def isatty(self) -> bool:
            return self.tty

    def call(*words: str, given: bytes = b"", tty: bool = False) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", Typed(io.BytesIO(given), encoding="utf-8"))
        sys.stdin.tty = tty
        code = cli.main(list(words))
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run folder in which the smoke profile has been run once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RLHF_LITE_HOME", str(tmp_path_factory.mktemp("home")))
        out = io.StringIO()
        patch.setattr(sys, "stdout", out)
        assert cli.main(["run", "--profile", "smoke"]) == 0
        patch.setattr(sys, "stdout", sys.__stdout__)
        yield out.getvalue()


def outside(*words: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, **options)


# --- help and errors ----------------------------------------------------------------------------------------


def test_every_command_is_the_file_of_its_name():
    assert {path.stem for path in Path(cli.__file__).parent.glob("*.py")} == {
        *COMMANDS,
        "__init__",
        "chains",
        "conversation",
        "terminal",
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(shell, command):
    code, out, err = shell(command, "--help")
    assert (code, err) == (0, "") and "Takes:" in out and "Example:" in out
    assert max(map(len, out.splitlines())) <= 80
    examples = re.findall(r"^(?:Example:)? +rlhf-lite (.+)$", out, re.MULTILINE)
    assert examples
    for example in examples:  # each of them is something one can type
        cli.parser().parse_args(shlex.split(example.partition("<")[0]))


def test_every_option_says_what_it_does():
    for name, part in cli.parser()._subparsers._group_actions[0].choices.items():
        assert all(action.help for action in part._actions), name


def test_watching_stages_needs_no_torch():
    """The process that `run` waits in stays small."""
    code = "import sys; from rlhf_lite import cli; from rlhf_lite.chain import workers\n"
    code += "cli.main(['stages']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_help_is_the_same_from_both_doors_and_loads_nothing_heavy(shell):
    listed = outside("-m", "rlhf_lite", "--help")
    assert listed.returncode == 0 and all(f"    {name}" in listed.stdout for name in COMMANDS)
    assert shell("--help") == shell() == (0, listed.stdout, "")
    for heavy in ("torch", "numpy"):
        code = "import sys; from rlhf_lite import cli; cli.main(['run', '--help'])\n"
        code += f"sys.exit('{heavy}' in sys.modules)"
        assert outside("-c", code).returncode == 0


@pytest.mark.parametrize(
    "words, said",
    [
        ("frobnicate", "invalid choice: 'frobnicate' (choose from"),
        ("run --seed one", "invalid int value: 'one'"),
        ("run --scal 1", "unrecognized arguments: --scal 1"),
        ("run --only nope", f"no stage 'nope'. Stages are: {', '.join(STAGES)}"),
        ("run --profile nope", "no profile 'nope'. Profiles are: tiny, smoke"),
        ("stages --profile nope", "no profile 'nope'"),
        ("run --size XXL", "'XXL' is not one of 'XS', 'S', 'M', 'L'"),
        ("run --scale 0", "scale = 0.0 should be at least 0.001"),
        (
            "run --profile smoke --report /nowhere/at/all.json",
            "/nowhere/at/all.json: its folder does not exist",
        ),
        ("world --use-case nope", "no use case 'nope'. Use cases are: generation"),
        ("chat --profile smoke --temperature 0 hello", "temperature 0.0 cannot be used; give a number"),
        (
            "chat --models sft nope",
            "argument --models: invalid choice: 'nope' (choose from 'base', 'sft', 'start'",
        ),
        ("real --set seed", "--set seed: write NAME=VALUE"),
    ],
)
def test_errors_are_one_line_that_says_what_would_work(shell, words, said):
    code, out, err = shell(*words.split())
    assert (code, out) == (2, "") and err.count("\n") == 1 and said in err


def test_a_bug_can_be_traced(shell, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_TRACEBACK", "1")
    with pytest.raises(ValueError, match="no use case"):
        shell("world", "--use-case", "nope")


def test_a_closed_pipe_is_no_error():
    command = [sys.executable, "-m", "rlhf_lite", "world", "--count", "3000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 0 and process.stderr.read() == b""


# --- what is printed ----------------------------------------------------------------------------------------

EVIL = "[red]a\x1b[2J\x07\tb\u202ec"
SHOWN = "[red]a␛[2J␇ b⟨U+202E⟩c"


def test_text_is_data(capsys):
    terminal.say(EVIL)
    terminal.note(f"{EVIL}\n{EVIL}")
    assert capsys.readouterr() == (f"{SHOWN}\n", f"{SHOWN} {SHOWN}\n")


def test_tables_are_aligned_in_files_and_rich_on_a_terminal(capsys, monkeypatch):
    rows = [("one", "first\nsecond"), ("three", EVIL)]
    terminal.print_table(("name", "text"), rows, "Title")
    assert capsys.readouterr().out == f"\nTitle\nname   text\none    first\n       second\nthree  {SHOWN}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    terminal.print_table(("name", "text"), rows, "Title")
    out = capsys.readouterr().out
    assert out != "" and all(text in out for text in ("Title", "second", SHOWN)) and "\x1b[2J" not in out


def test_world_shows_prompts_with_a_right_answer(shell):
    code, out, err = shell("world", "--count", "4", "--use-case", "summarize", "--seed", "3")
    assert (code, err) == (0, "") and out.count("summarize") == out.count("reference      1.000") == 4
    assert shell("world", "--count", "4", "--use-case", "summarize", "--seed", "3")[1] == out
    assert shell("world", "--count", "4", "--use-case", "summarize", "--seed", "4")[1] != out


# --- the chain ----------------------------------------------------------------------------------------------


def report_of(out: str) -> dict:
    return json.loads(open(re.search(r"^Report: (.+)$", out, re.MULTILINE).group(1)).read())


def test_run_prints_the_report_and_says_where_it_is(home):
    report = report_of(home)
    for name in (
        *STAGES,
        *report["policies"],
        *report["policies"]["sft"]["skills"],
        "beats SFT %",
        "by held-out %",
    ):
        assert re.search(rf"\b{re.escape(name)}", home), name
    gold = report["policies"]["ppo"]["t1"]["gold"]["mean"]
    assert re.search(rf"^ppo +{gold:.3f} ±", home, re.MULTILINE)
    assert home.index("\nbase  ") < home.index("\nsft  ") < home.index("\nppo  ") < home.index("\nppo_ptx  ")


def test_run_again_reuses_what_is_there(home, shell, tmp_path):
    code, out, err = shell("run", "--profile", "smoke", "--report", str(tmp_path / "report.json"))
    assert (code, err) == (0, "") and len(re.findall(r": built, took \d+ s, in ", out)) == len(STAGES)
    copied = json.loads((tmp_path / "report.json").read_text())
    assert set(copied["seconds"]) == set(STAGES) and "torch" in copied["made"]["versions"]
    assert copied["policies"] == report_of(home)["policies"]


def test_fresh_throws_away_what_it_was_asked_for(home, shell):
    code, out, err = shell("run", "--profile", "smoke", "--only", "start", "--fresh")
    assert code == 0 and re.findall(r"^(\w+): building", err, re.MULTILINE) == ["start"]
    assert "start: throwing away" in err and "base: built, took" in out and "ppo" not in out


def test_an_interrupted_run_says_how_to_go_on(home, shell, monkeypatch):
    from rlhf_lite.chain import tiny

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(tiny.Chain.builders, "start", interrupted)
    code, out, err = shell("run", "--profile", "smoke", "--seed", "7", "--only", "start")
    assert code == 130 and "Stopped" in err and "goes on from there" in err and "Traceback" not in err
    assert re.search(
        r"^start +unfinished", shell("stages", "--profile", "smoke", "--seed", "7")[1], re.MULTILINE
    )


def test_sigterm_ends_a_command_as_ctrl_c_does(shell, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli.world, "run", lambda args: signal.raise_signal(signal.SIGTERM))
    code, out, err = shell("world")
    assert (code, out) == (130, "") and err.startswith("Stopped. What is finished is kept")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_killed_worker_is_one_line(shell, monkeypatch):
    def broken(*_):
        building = Future()
        building.set_exception(BrokenProcessPool("A process in the process pool was terminated abruptly."))
        return building

    monkeypatch.setattr(workers, "start", broken)
    code, out, err = shell("run", "--profile", "smoke", "--base-seed", "8", "--jobs", "2", "--only", "base")
    assert code == 2 and "error: Building base ended without a word; was it killed" in err
    assert "Traceback" not in err


def test_nothing_is_thrown_away_while_it_is_being_built(home, shell):
    plan = TinyPlan(profile("smoke"))
    with store.claimed(store.home() / plan.folder_name("start")):
        code, _, err = shell("run", "--profile", "smoke", "--only", "start", "--fresh")
    assert code == 2 and "is being built by another process; wait for it or end it" in err
    assert plan.find("start")


def test_stages_lists_them_without_building(home, shell):
    code, out, err = shell("stages", "--profile", "smoke")
    assert (code, err) == (0, "") and re.findall(r"^(\w+) +built +\d+ +/", out, re.MULTILINE) == list(STAGES)
    code, out, err = shell("stages", "--profile", "smoke", "--base-seed", "5")
    assert (code, err) == (0, "") and re.findall(r"^(\w+) +missing +/", out, re.MULTILINE) == [
        s for s in STAGES if s != "prompts"
    ]


def test_scale_changes_all_sets_but_the_default_changes_nothing():
    def data(words):
        return chain_config(cli.parser().parse_args(["run", *words.split()])).data

    assert data("") == data("--scale 0.43")
    assert data("--scale 0.05").scale == 0.05 and data("--scale 0.05").sft_scale < data("").sft_scale
    assert data("--scale 1").scale == data("--scale 1").sft_scale == 1.0


# --- chat ---------------------------------------------------------------------------------------------------

NAMES = ["base", "sft", "ppo", "ppo_ptx"]


def speakers(out: str) -> list[str]:
    return re.findall(r"^(\S+) +[+-]\d+\.\d\d(?:  |$)", out, re.MULTILINE)


def test_chat_answers_one_prompt_four_times(home, shell):
    ask = ("chat", "--profile", "smoke", "List two animals.")
    code, out, err = shell(*ask)
    assert (code, err) == (0, "") and speakers(out) == NAMES and "List two animals." in out
    assert shell(*ask)[1] == out and shell(*ask, "--seed", "1")[1] != out
    assert shell(*ask, "--greedy")[1] == shell(*ask, "--greedy", "--seed", "1")[1]


def test_chat_takes_whatever_is_typed(home, shell):
    lines = [
        b"List two animals.",
        b"",
        b"word " * 200,
        "Grüße 🙂 zzyzx \x1b[31m".encode(),
        b"\xff\xfe broken",
        b"<|endoftext|>",
        b"again",
        b"temperature 0.5",
        b"temperature hot",
        b"temperature nan",
        b"greedy",
        b"help",
        b"[bold]x[/bold]",
        b"a\x00b",
        b"quit",
        b"never read",
    ]
    code, out, err = shell("chat", "--profile", "smoke", given=b"\n".join(lines))
    assert code == 2 and speakers(out) == NAMES * 7  # 2, 3 refused; 7 is drawn again
    assert "line 2: the prompt is empty" in err and re.search(
        r"line 3: the prompt has \d+ tokens, the limit is \d+", err
    )
    assert (
        "line 4: This lies outside the models' world. They do not know" in err
        and "'🙂'" in err
        and "zzyzx" in err
        and "\x1b" not in out + err
    )
    assert (
        "line 6: '<|endoftext|>' is read as plain text" in err
        and "line 9: temperature hot cannot be used" in err
    )
    assert (
        "line 10: temperature nan" in err
        and "Temperature 0.5 from now on." in out
        and "[bold]x[/bold]" in out
    )
    assert "never read" not in out and "Traceback" not in err and len(err.splitlines()) <= 12


def test_chat_reads_files_of_other_systems_as_its_own():
    class Heard(Panel):
        def __init__(self):
            self.heard = []

        def turn(self, line, where=""):
            self.heard.append((line, where))
            return True

    lines = "greedy\nList two animals.\n\n   \nWhat is 🐦?\nquit\nnever read\n"
    ours, theirs = Heard(), Heard()
    assert ours.follow(io.StringIO(lines)) == 0
    assert theirs.follow(io.StringIO("\ufeff" + lines.replace("\n", "\r\n"), newline="")) == 0
    assert theirs.heard == ours.heard and ours.heard[0][0] == "greedy" and len(ours.heard) == 5


def test_chat_again_draws_anew(home, shell):
    code, out, _ = shell("chat", "--profile", "smoke", given=b"List two animals.\nagain\n")
    first, second = out.split("\nmodel")[1:]
    assert code == 0 and first.splitlines()[1:5] != second.splitlines()[1:5]
    code, out, err = shell("chat", "--profile", "smoke", given=b"again\n")
    assert (code, out) == (2, "") and "the prompt is empty" in err


@pytest.mark.parametrize(
    "prompt, said", [("", "prompt is empty"), (" \n", "prompt is empty"), ("x " * 500, "shorten it")]
)
def test_chat_refuses_a_bad_prompt_argument(home, shell, prompt, said):
    code, out, err = shell("chat", "--profile", "smoke", prompt)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_chat_answers_every_prompt_it_is_given(home, shell):
    words = ("List two animals.", "", "What is a fox?")
    code, out, err = shell("chat", "--profile", "smoke", *words, "--models", "ppo_ptx", "start")
    assert code == 2 and speakers(out) == ["ppo_ptx", "start"] * 2 and "What is a fox?" in out
    assert err.startswith("prompt 2: the prompt is empty") and err.count("\n") == 1


def told(out: str) -> list[dict]:
    """Lines of JSON, and nothing else."""
    return [json.loads(line) for line in out.removesuffix("\n").split("\n")]


def test_chat_tells_a_program_every_answer_in_a_line_of_json(home, shell):
    ask = ("chat", "--profile", "smoke", "--json")
    code, out, err = shell(*ask, "List two animals.", "What is a fox?")
    rows = told(out)
    assert (code, err) == (0, "") and all(list(r) == ["prompt", "model", "answer", "score"] for r in rows)
    assert [r["model"] for r in rows] == NAMES * 2 and isinstance(rows[0]["score"], float)
    assert [r["prompt"] for r in rows] == ["List two animals."] * 4 + ["What is a fox?"] * 4
    assert shell(*ask, "What is a fox?")[1].splitlines() == out.splitlines()[4:]  # whatever was asked before
    assert told(shell(*ask, "What is a fox?", "--seed", "1")[1]) != rows[4:]
    greedy = ("What is a fox?", "--greedy", "--models", "start", "base", "--seed")
    assert shell(*ask, *greedy, "0") == shell(*ask, *greedy, "1")
    assert [r["model"] for r in told(shell(*ask, *greedy, "0")[1])] == ["start", "base"]


def test_json_takes_every_line_for_a_prompt_and_says_which_it_cannot_take(home, shell):
    lines = [
        b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe \xf0\x9f\x99\x82\r",
        b"again",
        b"",
        b'{"id": 1, "prompt": "two\\nlines \\u00e9 \\ud83d\\ude42"}',
        b'{"prompt": "half \\ud800"}',
        b'{"prompt": 7}',
        b'{"a": 1} [',
        b"[" * 20_000,
        b"quit",
    ]
    code, out, err = shell("chat", "--profile", "smoke", "--json", "--models", "sft", given=b"\n".join(lines))
    asked = ["Grüße 🙂", "again", "two\nlines é 🙂", '{"a": 1} [', "quit"]
    assert code == 2 and [r["prompt"] for r in told(out)] == asked
    assert '"prompt": "Grüße 🙂"' in out and "\\ud83d" not in out
    refused = [line for line in err.splitlines() if "outside the models' world" not in line]
    assert [line.partition(": ")[0] for line in refused] == [f"prompt {n}" for n in (3, 5, 6, 8)]
    assert "has half a character" in refused[1] and "tokens, the limit is" in refused[3]


def test_json_is_utf8_in_any_locale_and_moves_no_cursor(monkeypatch):
    for text, line in (("é \u200d 🙂", '["é \u200d 🙂"]\n'), ("\x1b\x9b\u202e\u2028\U000e0001", None)):
        out = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="latin-1", newline=""))
        terminal.speak_utf8()
        terminal.print_json([text])
        written = out.getvalue().decode()
        assert json.loads(written) == [text] and written == (line or written)
        assert line or terminal.clean(written) == written == written.splitlines()[0] + "\n"


def test_chat_on_a_terminal_asks_until_quit(home, shell, monkeypatch):
    typed = iter(["List two animals.", "", "quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    code, out, err = shell("chat", "--profile", "smoke", tty=True)
    assert (
        code == 0
        and out.startswith("Type a prompt.")
        and speakers(out) == NAMES
        and "the prompt is empty" in err
    )


# --- notebooks ----------------------------------------------------------------------------------------------


class Server:
    """Stands for JupyterLab: asked to stop once, it goes on; then it ends."""

    calls, answers = [], []

    def __init__(self, command, cwd):
        self.calls.append((command[1:], cwd))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def wait(self, timeout=None):
        if self.answers:
            raise self.answers.pop()
        return 0


def test_lab_opens_the_notebooks(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.lab, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(subprocess, "Popen", Server)
    monkeypatch.setattr(Server, "answers", [KeyboardInterrupt()])
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    code, _, err = shell("lab", "--no-browser", "--port", "9999")
    ((command, folder),) = Server.calls
    assert code == 0 and folder == tmp_path and not Server.answers and f"Notebooks: {tmp_path}" in err
    assert command[:3] == ["-m", "jupyterlab", "--LabApp.default_url=/lab/tree/00_start_here.ipynb"]
    assert "--LabApp.news_url=None" in command and command[-2:] == ["--no-browser", "--port=9999"]


def test_lab_runs_as_root_only_when_told(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.lab, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(subprocess, "Popen", Server)
    monkeypatch.setattr(Server, "calls", [])
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    code, _, err = shell("lab")
    assert code == 2 and err.count("\n") == 1 and "lab --allow-root" in err and not Server.calls
    assert shell("lab", "--allow-root", "--ip", "0.0.0.0")[0] == 0
    assert Server.calls[0][0][-2:] == ["--allow-root", "--ip=0.0.0.0"]


class Killed(Server):
    """Stands for JupyterLab that a second signal kills, since at its very end it no longer listens."""

    signals = []

    def wait(self, timeout=None):
        if len(self.signals) == 2:
            return -signal.SIGTERM
        if not self.signals:
            os.kill(os.getpid(), signal.SIGTERM)
        raise subprocess.TimeoutExpired("jupyterlab", timeout)

    def terminate(self):
        self.signals.append("asked")


def test_lab_that_a_second_signal_kills_has_ended_well(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.lab, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(subprocess, "Popen", Killed)
    assert shell("lab", "--allow-root")[0] == 0 and Killed.signals == ["asked", "asked"]


@pytest.mark.slow
def test_lab_ends_when_it_is_asked_to():
    words = [sys.executable, "-m", "rlhf_lite", "lab", "--no-browser", "--allow-root", "--port", "18931"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        for line in process.stderr:
            if "/lab/tree/00_start_here.ipynb?token=" in line:
                break
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(30) == 0 and "signal 15" in rest


def test_lab_says_what_is_missing(shell, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = shell("lab")
    assert code == 2 and "JupyterLab is not installed; run: pip install" in err


def test_lab_without_the_notebooks_says_so(shell, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.lab, "NOTEBOOKS", tmp_path / "nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert shell("lab")[0] == 2
