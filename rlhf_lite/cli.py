"""The InstructGPT paper in miniature, from a shell.

Start with `rlhf-lite chat` to talk to the models, `rlhf-lite lab` for the
notebooks, `rlhf-lite run` to build everything yourself. Results live in a run
folder: $RLHF_LITE_HOME, else runs/ beside the package. Only names of public sets
and models need a network. `python -m rlhf_lite` is the same as `rlhf-lite`.
"""

# Whatever is heavy is imported inside the functions that need it, so that --help answers at once. Docstrings of
# commands are their help, so they are at most 80 columns wide.

from __future__ import annotations

import argparse
import contextlib
import inspect
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .config import DataConfig, RealChainConfig, RealStages
from .plan import POLICIES, STAGES, ChainConfig, Plan
from .terminal import Board, cases_table, labels_table, note, one_line, quality_table, say, seeds_table, skills_table, table

if TYPE_CHECKING:
    from .chain import Chain
    from .real import RealConfig
    from .runs import Found

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
BENCHMARKS = NOTEBOOKS.with_name("benchmarks")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0: all went well, 1: a notebook failed, 2: an error that the user can mend, 130: Ctrl-C."""
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # prompts may hold bytes that are no text, answers what cannot be shown
    try:
        args = parser().parse_args(argv)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: note(f"note: {message}")
            return args.command(args) or 0
    except SystemExit as end:
        return end.code or 0
    except KeyboardInterrupt as stop:
        note(f"Stopped. {stop}")
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ImportError, ArithmeticError) as error:
        if os.environ.get("RLHF_LITE_TRACEBACK"):
            raise
        note(f"rlhf-lite: error: {_explained(error)}")
        return 2


def _explained(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"a package is missing ({error}); run: pip install -r requirements.txt"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return one_line(error)


# --- options ----------------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str):
        self.exit(2, f"{self.prog}: error: {one_line(message)} (see {self.prog} --help)\n")


def parser() -> Parser:
    """All commands with their options."""
    top = Parser(prog="rlhf-lite", description=inspect.cleandoc(__doc__))
    top.set_defaults(command=lambda args: top.print_help())
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for command, add_options in COMMANDS.items():
        text = inspect.cleandoc(command.__doc__)
        part = commands.add_parser(command.__name__, help=text.partition("\n")[0].rstrip("."), description=text)
        part.set_defaults(command=command)
        add_options(part.add_argument)
    return top


_DATA = DataConfig()
_SCALE_HELP = f"sizes of the data sets as a share of the paper's Table 6 (default {_DATA.scale:g}; SFT sets: {_DATA.sft_scale:g})"


def _chain_options(option: Callable, seed: str = "--seed") -> None:
    """Which chain: a profile, and what is changed of it."""
    option(seed, dest="run_seed", type=int, metavar="N", help="seed of all that follows the base model (default 0)")
    option("--base-seed", type=int, metavar="N", help="seed of the base model (default 0, the shipped one)")
    option("--scale", type=float, metavar="X", help=_SCALE_HELP)
    option("--size", metavar="S|M|L", help="size of the model (default S)")
    option("--profile", default="tiny", metavar="NAME", help="tiny (default); smoke: all stages in a minute, nothing learned")


def _jobs_option(option: Callable) -> None:
    option("--jobs", type=int, metavar="N", help="stages built at a time, in processes of their own (default 2); 1: in this one")


def _run_options(option: Callable) -> None:
    option("--only", metavar="STAGE", help="only this stage and what it needs, e.g. reward")
    option("--fresh", action="store_true", help="throw finished stages away first (the base model only with --only base)")
    option("--report", metavar="FILE", type=Path, help="write the report here too, as JSON")
    option("--archive", metavar="FOLDER", type=Path, help="copy the report, and every stage's settings and trace, here")
    _chain_options(option)
    _jobs_option(option)


def _seeds_options(option: Callable) -> None:
    option("folders", nargs="*", metavar="FOLDER", type=Path, help="archives of `rlhf-lite run --archive`")


def _sweep_options(option: Callable) -> None:
    option("name", metavar="NAME", help="kl_beta, ptx_gamma, lr or k")
    option("--values", type=float, nargs="+", metavar="X", help="other values than the sweep's own")
    option("--seeds", type=int, nargs="+", default=(0, 1, 2), metavar="N", help="one run of each (default 0 1 2)")
    option("--into", type=Path, metavar="FOLDER", help="keep the records here (default: sweeps in the run folder)")
    option("--jobs", type=int, default=2, metavar="N", help="runs at a time (default 2)")
    option("--profile", default="tiny", metavar="NAME", help="tiny (default) or smoke, see run")


def _chat_options(option: Callable) -> None:
    option("prompt", nargs="?", metavar="PROMPT", help="answer this and end")
    option("--temperature", type=float, default=1.0, metavar="X", help="of sampling (default 1, as in training)")
    option("--greedy", action="store_true", help="always the likeliest token")
    option("--seed", type=int, default=0, metavar="N", help="of sampling (default 0)")
    _chain_options(option, "--run-seed")
    _jobs_option(option)


def _world_options(option: Callable) -> None:
    option("-n", "--count", type=int, default=5, metavar="N", help="how many prompts (default 5)")
    option("--use-case", metavar="NAME", help="of this use case only, e.g. summarize")
    option("--seed", type=int, default=0, metavar="N", help="another seed, other prompts (default 0)")


def _lab_options(option: Callable) -> None:
    option("--no-browser", action="store_true", help="only print the address")
    option("--port", type=int, metavar="N", help="the port to listen on")


def _notebooks_options(option: Callable) -> None:
    option("names", nargs="*", metavar="NAME", help="e.g. 05 or 05_ppo (default: all)")
    option("--fast", action="store_true", help="a few steps of everything: does every cell run?")
    option("--write", action="store_true", help="keep the new outputs in the files")


def _bench_options(option: Callable) -> None:
    option("--jobs", nargs="+", metavar="JOB", help="rm_32_32, rm_96_32, ppo, ptx, sample, sft (default: all)")
    option("--model", default="tiny", metavar="NAME", help="tiny (default), or gpt2: GPT-2's 124M shape")
    option("--precision", nargs="+", default=["fp32", "bf16"], metavar="P", help="fp32, bf16 (default: both)")
    option("--rounds", type=int, default=7, metavar="N", help="how often each side does each job (default 7)")
    option("--cores", default="both", metavar="X", help="one: CPU seconds; all: wall seconds of all cores; both (default)")
    option("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    option("--json", nargs="?", const=True, metavar="FILE", type=Path,
           help="write the numbers here; without FILE, to one in benchmarks/results")  # fmt: skip
    option("--figure", metavar="FILE", type=Path, help="draw them here, as PNG")
    option("--grow", action="store_true", help="instead: how our jobs grow with lengths, batch and model")


def _labels_options(option: Callable) -> None:
    option("action", metavar="ACTION", choices=("merge", "export", "import", "agreement"), help="one of the four")
    option("files", nargs="+", metavar="FILE", type=Path, help="stores; to import: files of labels")
    option("--into", metavar="FILE", type=Path, help="the store, or to export the file (.jsonl, .json, .csv, .parquet)")
    option("--form", default="rankings", metavar="NAME", help="rankings (default), pairs, messages, argilla or label-studio")
    option("--labeler", metavar="NAME", help="only this person's; to import: whose, where the file does not say")


def _export_options(option: Callable) -> None:
    option("source", metavar="STAGE_OR_FOLDER", help="base, sft, start, reward, ppo or ppo_ptx; or the folder of a model")
    option("--to", required=True, metavar="DIR", type=Path, help="the folder to write")
    option("--precision", default="fp32", metavar="P", help="of the weights: fp32 (default) or bf16, half the size")
    option("--license", metavar="NAME", help="for the card (default: mit for models of the chain, other for the rest)")
    option("--overwrite", action="store_true", help="even if DIR holds other things: same names are replaced, the rest stays")
    option("--push", metavar="NAME", help="upload the folder to this repository of the hub, e.g. me/my-policy")
    option("--public", action="store_true", help="make that repository public (default: private)")
    _chain_options(option)


def _reward_options(option: Callable) -> None:
    option("--rankings", required=True, metavar="FILE", help="trees, rankings or pairs, see above")
    option("--tokenizer", metavar="DIR", default=os.environ.get("RLHF_LITE_TOKENIZER"),
           help="GPT-2's vocab.json and merges.txt, or any tokenizer (default: $RLHF_LITE_TOKENIZER, or --model's)")  # fmt: skip
    option("--model", metavar="DIR", help="a GPT-2 checkpoint to start from (default: random weights)")
    option("--size", metavar="NAME", help="shape of random weights: tiny (default), small or gpt2")
    option("--epochs", type=int, metavar="N", help="passes over the rankings (default 2)")
    option("--lr", type=float, metavar="X", help="peak learning rate (default 0.0005)")
    option("--limit-tokens", type=int, metavar="N", help="longest prompt and answer together (default 384); longer ones are cut")
    option("--steps", type=int, metavar="N", help="stop after so many steps")
    option("--minutes", type=float, metavar="X", help="stop after so many minutes")
    option("--seed", type=int, metavar="N", help="of the split, the weights and the order (default 0)")
    option("--fresh", action="store_true", help="train anew even if the result of these settings is there")
    option("--out", metavar="DIR", type=Path, help="copy the result to this new folder")


def _real_options(option: Callable) -> None:
    for name in ("rankings", "split", "limit", "model", "size", "tokenizer", "text", "limit_tokens", "seed"):
        about, default = RealChainConfig.__dataclass_fields__[name].metadata["help"], getattr(RealChainConfig(), name)
        shown = f" (default {default})" if default != "" else ""
        option(f"--{name.replace('_', '-')}", type=type(default), metavar=name[0].upper(), default=default, help=about + shown)
    option("--set", nargs="+", default=[], metavar="NAME=X", help="other settings: pieces=4, checkpointing=true, or of a stage, "
           "ppo.ptx_gamma=1")  # fmt: skip
    option("--only", metavar="STAGE", help="only this stage and what it needs: sft, reward, judge, ppo")
    option("--processes", type=int, metavar="N", help="how many processes torchrun was asked for; another number is an error")


# --- the chain --------------------------------------------------------------------------------------------------------


def run(args: argparse.Namespace) -> None:
    """Build the whole chain: SFT, rankings, reward model, PPO, PPO-ptx, evaluation.

    Starts from the shipped base model, says which stage runs, and ends with tables
    of the evaluation. Finished stages of an earlier run are used again.

    Takes:    about four minutes on two CPU cores; --scale 0.05 less than half of
              it, --profile smoke a minute. A base model of another seed or size is
              pretrained first, which takes longer than all the rest.
    Leaves:   a folder per stage in the run folder: weights, trace.jsonl (a line
              per step), summary.json. The numbers of the evaluation are in the
              report.json of its folder. Ctrl-C loses half a minute of training.
    Example:  rlhf-lite run --seed 1 --report report-1.json
    """
    from . import runs

    if args.report and not args.report.expanduser().absolute().parent.is_dir():
        raise ValueError(f"--report {args.report}: its folder does not exist; make it first")
    plan = Plan(_chain_config(args), shipped=("base", "prompts"))
    wanted = plan.needed(args.only or "evaluation")
    say(f"Run folder: {runs.home()}")
    if args.fresh:
        _forget(plan, [args.only] if args.only else [stage for stage in wanted if stage != "base"])
    for stage in wanted:
        state, folder, seconds = _where(plan, stage)
        if seconds is not None:
            say(f"{stage}: {state}, took {seconds:.0f} s, in {folder}")
    _build(plan, wanted, args)
    if wanted[-1] == "evaluation":
        _show_report({stage: plan.find(stage) for stage in wanted}, args.report)
        if args.archive:
            from .evaluate.seeds import archive

            archive(plan, args.archive.expanduser())
            say(f"        {args.archive}")


def seeds(args: argparse.Namespace) -> None:
    """Compare several runs of the chain: means over seeds, with intervals.

    Without folders: the runs that come with the repository, on which the README's
    claims stand. 95 % intervals, Student's t over the runs.

    Takes:    a second, leaves nothing behind.
    Example:  rlhf-lite run --seed 5 --archive five
              rlhf-lite seeds five data/seeds/seed-0-base-0
    """
    from .evaluate.seeds import read_reports

    reports = read_reports(args.folders or None)
    table(*seeds_table(reports), f"{len(reports)} runs, mean and 95 % interval over them, and each run")


def sweep(args: argparse.Namespace) -> None:
    """Run one setting at several values, with several seeds, and keep the records.

    kl_beta and lr: PPO; ptx_gamma: PPO-ptx; k: the reward model on rankings of
    exactly k answers. Explorers in notebooks 04 to 06 show what is recorded.
    Runs that are recorded already are left alone.

    Takes:    a minute of one core a run, and once for each seed what it needs.
    Leaves:   a file of some kilobytes for each run: its trace and some answers.
    Example:  rlhf-lite sweep kl_beta --values 0 0.05 --seeds 0 1 2
    """
    from . import runs
    from .evaluate import sweeps

    into = (args.into or runs.home() / "sweeps").expanduser()
    sweeps.record_all(args.name, args.seeds, args.values, into, args.jobs, _profile(args.profile),
                      report=lambda done, of: note(f"{done} of {of} runs"))  # fmt: skip
    found = sweeps.load(args.name, into)
    logged = found[min(found)][0]["trace"][-1]
    metrics = [name for name in ("gold/mean", "objective/score", "objective/kl", "loss", "accuracy") if name in logged]
    last = [sweeps.ends(found, name, last=1) for name in metrics]
    rows = [(f"{value:g}", len(repeats), *(str(end[value]) for end in last)) for value, repeats in found.items()]
    table((args.name, "runs", *metrics), rows, "Last step: mean over runs, 95 % interval")
    say(f"\nRecords: {into / args.name}")


def _chain(plan: Plan) -> Chain:
    """The plan's chain, which says what it builds."""
    from .chain import Chain

    def report(stage: str, how: str, seconds: float) -> None:
        note(f"{stage}: building ..." if how == "building" else f"{stage}: built in {seconds:.0f} s")

    return Chain(plan.config, plan.shipped, report=report)


def _build(plan: Plan, wanted: Sequence[str], args: argparse.Namespace) -> None:
    """Build what is missing of these stages, two at a time (the smoke profile ends before a second process began)."""
    from . import runs
    from .parallel import build_all

    jobs = args.jobs or (1 if args.profile == "smoke" else min(2, runs.cores()))
    try:
        if jobs > 1:
            with Board() as board:
                build_all(plan, tuple(wanted), jobs, board)
        else:
            chain = _chain(plan)
            for stage in wanted:
                chain.get(stage)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("What is finished is kept; the same command, without --fresh, goes on from there.") from None


def _chain_config(args: argparse.Namespace) -> ChainConfig:
    """The profile's settings with the changes that were asked for."""
    cfg = _profile(args.profile)
    changes = {
        "seed": args.run_seed,
        "base_seed": args.base_seed,
        "data": None if args.scale is None else _scaled(cfg.data, args.scale),
        "model": None if args.size is None else cfg.model.replace(size=args.size),
    }
    return replace(cfg, **{name: value for name, value in changes.items() if value is not None})


def _profile(name: str) -> ChainConfig:
    profiles = {"tiny": ChainConfig, "smoke": _smoke_config}
    if name not in profiles:
        raise ValueError(f"There is no profile '{name}'. Profiles are: {', '.join(profiles)}.")
    return profiles[name]()


def _scaled(data: DataConfig, scale: float) -> DataConfig:
    """All sets in proportion, but none beyond Table 6 before all of them are there."""
    sft_scale = round(scale * data.sft_scale / data.scale, 6)
    return data.replace(scale=scale, sft_scale=min(sft_scale, max(1.0, scale)))


def _smoke_config() -> ChainConfig:
    """Every stage in seconds, to see that all of it runs; the models learn nothing."""
    from .config import DataConfig, EvalConfig, ModelConfig, PPOConfig, PretrainConfig, RankingsConfig, SFTConfig

    ppo = PPOConfig(episodes=32, batch_size=32, minibatches=2, max_new_tokens=10)
    return ChainConfig(
        model=ModelConfig(size="XS"), base=PretrainConfig(tokens=20_000), data=DataConfig(scale=0.002, sft_scale=0.002),
        sft=SFTConfig(epochs=1), start=SFTConfig(epochs=1, pretrain_mix=0.1), ppo=ppo, ppo_ptx=ppo.replace(ptx_gamma=0.5),
        rankings=RankingsConfig(valid_prompts=10, calibration_prompts=10, max_new_tokens=10),
        evaluation=EvalConfig(prompts=20, skill_items=10, endings=20, case_prompts=2, max_new_tokens=10),
    )  # fmt: skip


def _where(plan: Plan, stage: str) -> tuple[str, Path, float | None]:
    """built, shipped, unfinished or missing; the folder; the seconds it took to build."""
    from . import runs

    name = plan.folder_name(stage)
    places = {"built": runs.home(), "shipped": runs.SHIPPED} if stage in plan.shipped else {"built": runs.home()}
    for state, place in places.items():
        if found := runs.find(name, (place,)):
            return state, found.folder, found.summary["seconds"]
    return "unfinished" if (runs.home() / name).exists() else "missing", runs.home() / name, None


def _forget(plan: Plan, unwanted: Sequence[str]) -> None:
    """Delete what the user's run folder holds of these stages; shipped ones stay."""
    from . import runs

    for stage in unwanted:
        folder = runs.home() / plan.folder_name(stage)
        if folder.exists():
            note(f"{stage}: throwing away {folder}")
            shutil.rmtree(folder)


def _show_report(found: dict[str, Found], copy: Path | None) -> None:
    """Tables of the evaluation and of the seconds, and where the whole report is."""
    from . import runs

    last = found["evaluation"]
    report, seconds = runs.read_json(last.folder / "report.json"), {s: it.summary["seconds"] for s, it in found.items()}
    table(("stage", "seconds"), [(stage, f"{s:.0f}") for stage, s in seconds.items()], "Stages")
    table(*quality_table(report), f"{report['prompts']} test prompts of {report['users']} users; ± half a 95 % interval")
    table(*skills_table(report), "Few-shot skills, % right")
    table(*cases_table(report), "Gold by use case: validation prompts, temperature 1")
    table(*labels_table(report), "Pairs of answers put in the same order, with a 95 % interval")
    say(f"\n{_computed_with(last.summary)}\nReport: {last.folder / 'report.json'}")
    if copy:
        made = {name: last.summary[name] for name in ("commit", "versions", "hardware")}
        runs.write_json(copy.expanduser(), report | {"seconds": seconds, "made": made})
        say(f"        {copy}")


def _computed_with(summary: dict) -> str:
    """On what the last stage ran, and which of several ways to compute it took, in one sentence."""
    here = summary["hardware"]
    where = here["gpu"] or f"{here['cores']} cores"
    ways = [here[way] for way in ("precision", "kernels") if way in here]  # older stages do not say
    return f"Computed on {where}. " + " ".join(f"{way[:1].upper()}{way[1:]}." for way in ways)


def stages(args: argparse.Namespace) -> None:
    """List the stages of the chain, and which of them are there.

    built: in your run folder. shipped: in the repository. unfinished: stopped, and
    goes on from there. missing: is built when something asks for it.

    Takes:    seconds; builds nothing, leaves nothing behind.
    Example:  rlhf-lite stages --seed 1
    """

    plan = Plan(_chain_config(args))
    rows = [(stage, *_where(plan, stage)) for stage in STAGES]
    table(("stage", "state", "seconds", "folder"), [(s, how, "" if t is None else f"{t:.0f}", at) for s, how, at, t in rows])


def chat(args: argparse.Namespace) -> int:
    """Talk to the base model, SFT, PPO and PPO-ptx side by side.

    All answer the same prompt; beside each answer stands its reward model score.
    They know a little country of animals, people, towns and foods in simple
    English (`rlhf-lite world` shows what to ask), and nothing else.

    Inside, `again` draws new answers, `temperature X` and `greedy` change how they
    are drawn, `quit` ends. With a PROMPT, or one prompt a line from a file or
    pipe, answers are printed without questions.

    Takes:    seconds to load, less than a second an answer. Models that are
              neither shipped nor built are built first, like `rlhf-lite run`.
    Leaves:   nothing.
    Example:  rlhf-lite chat "List three animals."
              rlhf-lite chat --greedy < prompts.txt
    """
    if args.prompt is not None and not args.prompt.strip():
        raise ValueError("the prompt is empty; write an instruction or a question")
    from .chat import HELP, MODELS, Panel, Settings, typed

    settings, plan = Settings(args.temperature, args.greedy, args.seed), Plan(_chain_config(args))
    _build(plan, plan.needed(*MODELS.values(), "reward", but_found=True), args)
    panel = Panel(_chain(plan), settings)
    if args.prompt is not None:
        return 0 if panel.ask(os.fsencode(args.prompt).decode(errors="replace")) else 2
    interactive, refused = sys.stdin.isatty(), 0
    if interactive:
        say(HELP)
    for number, line in enumerate(typed() if interactive else sys.stdin, 1):
        if line.strip() == "quit":
            break
        refused += not panel.turn(line.rstrip("\n"), "" if interactive else f"line {number}: ")
    return 2 if refused and not interactive else 0


def world(args: argparse.Namespace) -> None:
    """Show a few prompts of the tiny world, with a right answer and a human one.

    The reference scores 1.000 by the gold rubric. The demonstration is what SFT
    learns from: mostly right, and flawed the way people are. What these flaws
    leave to gain is what human feedback can gain here.

    Takes:    a second, leaves nothing behind.
    Example:  rlhf-lite world --count 3 --use-case summarize
    """
    from random import Random

    from .world import USE_CASES, World, gold

    if args.use_case not in (None, *USE_CASES):
        raise ValueError(f"There is no use case '{args.use_case}'. Use cases are: {', '.join(USE_CASES)}.")
    here, rng = World(), Random(f"look-{args.seed}")
    for _ in range(args.count):
        task = here.draw_task(rng, use_case=args.use_case)
        texts = {"reference": task.reference, "demonstration": here.demonstrate(task, rng)}
        rows = [(name, f"{gold(task, text):.3f}", text) for name, text in texts.items()]
        table((task.use_case, "gold", ""), [("prompt", "", task.text), *rows])
        say()


# --- models for others ------------------------------------------------------------------------------------------------


def export(args: argparse.Namespace) -> None:
    """Write a model for plain transformers, with a card, and push it if asked.

    A policy loads in AutoModelForCausalLM and pipeline("text-generation"), a reward
    model in AutoModelForSequenceClassification; the tokenizer is set for it. The
    card says how the model was made, as its run recorded it, and how to use it.

    --push uploads the folder to the Hugging Face hub, with the token that `hf auth
    login` left; a new repository is private. Nothing is ever pushed without it.

    Takes:    seconds; a stage has to be finished (`rlhf-lite run`), or shipped.
    Leaves:   DIR: weights, tokenizer, README.md, summary.json. An earlier export
              there is replaced; a folder with anything else is left alone.
    Example:  rlhf-lite export ppo_ptx --to my-policy
              rlhf-lite export reward --to rm --precision bf16 --push me/rm
    """
    from . import export as exporting

    if args.public and not args.push:
        raise ValueError("--public says how to push; say where to, with --push NAME")
    plan = Plan(_chain_config(args))
    source = _exported(plan, args.source, args)
    if args.push:
        exporting.check_push(args.push)
    exporting.export(source, args.to, dtype=args.precision, name=args.push, command=_building(plan, source, args),
                     license=args.license, overwrite=args.overwrite)  # fmt: skip
    say(f"{source.resolve().name}: {args.to}")
    if args.push:
        say(exporting.push(args.to.expanduser(), args.push, private=not args.public))


def _exported(plan: Plan, source: str, args: argparse.Namespace) -> Path:
    """The folder of a finished stage with a model, or the folder itself."""
    if source in (*POLICIES, "reward"):
        if found := plan.find(source):
            return found.folder
        raise ValueError(f"'{source}' is not built with these settings; build it with: {_run_only(source, args)}")
    if not Path(source).expanduser().is_dir():
        stages = ", ".join((*POLICIES, "reward"))
        raise ValueError(f"'{source}' is neither a folder nor a stage with a model. Those are: {stages}.")
    return Path(source).expanduser()


def _building(plan: Plan, source: Path, args: argparse.Namespace) -> str:
    """The command that builds a folder, if its name shows that it is what these settings lead to."""
    stage = source.resolve().name.rpartition("-")[0]
    if stage not in STAGES or source.resolve().name != plan.folder_name(stage):
        return ""
    return _run_only(stage, args)


def _run_only(stage: str, args: argparse.Namespace) -> str:
    """The command that builds a stage with these settings."""
    given = {"--seed": args.run_seed, "--base-seed": args.base_seed, "--scale": args.scale, "--size": args.size,
             "--profile": None if args.profile == "tiny" else args.profile}  # fmt: skip
    return " ".join([f"rlhf-lite run --only {stage}", *(f"{name} {value}" for name, value in given.items() if value is not None)])


# --- notebooks --------------------------------------------------------------------------------------------------------


def lab(args: argparse.Namespace) -> int:
    """Open the notebooks in JupyterLab.

    Takes:    seconds; stays open until Ctrl-C, or File > Shut Down.
    Leaves:   what the notebooks build, in the run folder.
    Example:  rlhf-lite lab
    """
    import importlib.util
    import subprocess

    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError("JupyterLab is not installed; run: pip install -r requirements.txt")
    if not NOTEBOOKS.is_dir():
        raise ValueError(f"there is no folder {NOTEBOOKS}; the notebooks come with the repository, not with the package")
    options = ["--no-browser"] * args.no_browser + ([f"--port={args.port}"] if args.port else [])
    with subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], cwd=NOTEBOOKS) as process:
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # JupyterLab got it too, and asks whether it is meant
                return process.wait()


def notebooks(args: argparse.Namespace) -> int:
    """Execute the notebooks without a browser, in order.

    Fails if a cell raises, or if a number leaves its expected band.

    Takes:    minutes each; with --fast less than one each.
    Leaves:   nothing; with --write the notebooks with their new outputs.
    Example:  rlhf-lite notebooks 04 05 --fast
    """
    from .show.notebooks import run_notebooks

    def report(result) -> None:
        say(f"{result.name}: {'ok' if result.ok else 'FAILED'}, {result.seconds:.0f} s")
        for problem in (result.error, *result.problems):
            say(problem) if problem else None

    results = run_notebooks(args.names or None, fast=args.fast, write=args.write, report=report)
    return 0 if all(result.ok for result in results) else 1


# --- benchmarks -------------------------------------------------------------------------------------------------------


def bench(args: argparse.Namespace) -> int:
    """Measure our code against TRL and transformers, in turns on this machine.

    Reward model, PPO, PPO-ptx, sampling and SFT, on the same weights, batches and
    precision. A ratio says how many times longer the peer took; "of the floor" is
    the time of the unavoidable matrix products at this machine's peak, as a share
    of our time. Whether both sides computed the same is checked in the same run.
    Peers: pip install -e ".[bench]"; TRL's last PPO is fetched by pip once.

    Takes:    about fifteen minutes for the tiny model on two CPU cores, hours for
              gpt2 (less with --cores one and few --rounds), --grow six minutes.
    Leaves:   the files that --json and --figure name, and TRL's last PPO in the run
              folder. --grow writes to benchmarks/growth.png and results/.
    Example:  rlhf-lite bench --jobs rm_32_32 sample --precision fp32 --cores one
    """
    if not BENCHMARKS.is_dir():
        raise ValueError(f"there is no folder {BENCHMARKS}; benchmarks come with the repository, not with the package")
    sys.path.insert(0, str(BENCHMARKS.parent))
    from benchmarks import command

    return command.run(args)


# --- labels by people -------------------------------------------------------------------------------------------------


def labels(args: argparse.Namespace) -> None:
    """Merge, export, import or compare what people ranked.

    merge: stores into one; of two labels by one person of one prompt the later one
    stays. export: to a file of rankings, of pairs (chosen, rejected; TRL and
    HH-RLHF) as texts or as chat messages, for Argilla or for Label Studio. import:
    the other way; if one row is bad, it is named and nothing is imported.
    agreement: how often people order the same pair alike, and themselves at a
    second look.

    Takes:    seconds.
    Leaves:   what --into names.
    Example:  rlhf-lite labels merge hub/*.sqlite3 --into class.sqlite3
              rlhf-lite labels export class.sqlite3 --into pairs.jsonl --form pairs
    """
    from .labels import store

    if args.action != "agreement" and not args.into:
        raise ValueError(f"labels {args.action}: say where to, with --into FILE")
    if missing := [path for path in args.files if not path.is_file()]:
        raise ValueError(f"there is no file {missing[0]}")
    if args.action == "merge":
        taken = store.merge(args.files, args.into)
        table(("store", "labels taken"), taken.items(), str(args.into))
    elif args.action == "import":
        _import_labels(args)
    else:
        stores = [store.LabelStore(path) for path in args.files]
        rows, again = ([row for it in stores for row in it.rows(args.labeler, look)] for look in (1, 2))
        if args.action == "agreement":
            _show_agreement(rows, again)
        else:
            from .labels.exchange import save_as

            save_as(args.form, rows, args.into)
            say(f"{len(rows)} rankings as {args.form}: {args.into}")


def _import_labels(args: argparse.Namespace) -> None:
    from .labels.exchange import load_from
    from .labels.store import LabelStore

    rows = []
    for path in args.files:
        for number, row in enumerate(load_from(args.form, path), 1):
            if not (row.get("labeler") or args.labeler):
                raise ValueError(f"{path}, row {number}: it does not say who ranked; give --labeler NAME")
            rows.append({**row, "labeler": row.get("labeler") or args.labeler})
    say(f"{LabelStore(args.into).put_all(rows)} labels imported: {args.into}")


def _show_agreement(rows: list[dict], again: list[dict]) -> None:
    """Of all, of each with the others, and of each with their own second look."""
    from .labels.agreement import agreement, self_agreement

    def told(measure: Callable, *rankings: list[dict], **options) -> str:
        try:
            return str(measure(*rankings, **options))
        except ValueError:  # nothing to count
            return ""

    lines = [("everyone", len(rows), told(agreement, rows), "")]
    for labeler in sorted({row["labeler"] for row in rows}):
        own, second = ([row for row in found if row["labeler"] == labeler] for found in (rows, again))
        lines.append((labeler, len(own), told(agreement, rows, of=labeler), told(self_agreement, own, second)))
    columns = ("labeler", "labels", "agrees with others", "with themselves")
    table(columns, lines, "Pairs ordered alike, 95 % interval over prompts")


# --- real rankings ----------------------------------------------------------------------------------------------------


def reward(args: argparse.Namespace) -> None:
    """Train the reward model on real human rankings, e.g. of Open Assistant.

    The code of the tiny world on a file of yours (.jsonl, .json, .csv, .parquet):
    Open-Assistant trees or messages, rankings (prompt, completions, ranks) or
    pairs (prompt, chosen, rejected). Long texts are cut; conversations are split so
    that none is on both sides. The accuracy on those kept aside comes with its
    95 % interval, beside chance and the rule "the longer answer is better". From
    random weights and a hundred conversations expect little more than chance.

    Takes:    a minute or two, and 2 GB, for a hundred trees on two CPU cores.
    Leaves:   a folder in the run folder: the model (AutoModelForSequence-
              Classification loads it), trace.jsonl, report.json. The same command
              shows its result again; after Ctrl-C it goes on.
    Example:  rlhf-lite reward --rankings trees.jsonl --tokenizer gpt2-tokenizer/
    """
    from . import real

    out = args.out and args.out.expanduser()
    if out and out.exists():
        raise ValueError(f"--out {out} is there already; give a new folder")
    cfg = _real_config(args)
    tokenizer = real.find_tokenizer(args.tokenizer or args.model)
    data = real.prepare(args.rankings, tokenizer, cfg)
    table(("left out or cut", "times"), data.notes.most_common(), str(args.rankings))
    found = real.train(data, tokenizer, cfg, args.model, args.fresh)
    _show_real(found)
    if out:
        shutil.copytree(found.folder, out)
        say(f"       {out}")


def _real_config(args: argparse.Namespace) -> RealConfig:
    from .real import RealConfig

    names = ("size", "epochs", "lr", "limit_tokens", "steps", "minutes", "seed")
    return RealConfig(**{name: getattr(args, name) for name in names if getattr(args, name) is not None})


def _show_real(found: Found) -> None:
    """What the model was trained on, and its accuracy beside chance."""
    report = found.summary["result"]
    steps, chance, units = report["steps"], report["chance"], ("conversations", "prompts", "answers", "pairs")
    counts = [(side, *(report["data"][side][unit] for unit in units)) for side in ("train", "held_out")]
    table(("side", *units), counts, "Split by conversation")
    say(f"\nGPT-2 with {report['parameters']:,} parameters, started from {report['start']}: {steps['done']} of "
        f"{steps['planned']} steps, {found.summary['seconds']:.0f} s in all.")  # fmt: skip
    measured = {"held-out": report["held_out"], "held-out, before training": report["untrained"], "train": report["train"],
                "held-out, if the longer answer always wins": {"accuracy": report["longer_answer"]}}  # fmt: skip
    rows = [(name, _interval(it["accuracy"]), _interval(it.get("loss"))) for name, it in measured.items()]
    rows.append(("chance", f"{chance['accuracy']:.3f}", f"{chance['loss']:.3f}"))
    table(("", "accuracy", "loss"), rows, "Pairs ordered as people did, with a 95 % interval over conversations")
    low, high = (report["held_out"]["accuracy"][end] for end in ("low", "high"))
    verdict = "is above chance" if low > 0.5 else "is below chance" if high < 0.5 else "cannot be told from chance"
    say(f"\nOn conversations it has never seen, this model {verdict}.\n\nModel: {found.folder}")


def _interval(mean: dict | None) -> str:
    return f"{mean['mean']:.3f} [{mean['low']:.3f}, {mean['high']:.3f}]" if mean else ""


def real(args: argparse.Namespace) -> None:
    """The chain on a real GPT-2 and on what people ranked: SFT, RM, PPO, a judge.

    Public sets by name (oasst1, hh_rlhf, nectar, helpsteer, summarize ...) or files
    of yours, split by user: one part trains SFT, reward model and PPO, another a
    judge, who compares PPO with SFT on prompts of the rest. Stages are found
    again; after Ctrl-C they go on. With --set ppo.ptx_gamma=1 and --text it is
    PPO-ptx. On several GPUs start it with torchrun, see the README.

    Takes:    hours with GPT-2 on a CPU, so give it a GPU; a minute on two cores
              with --model "" --size tiny and a hundred conversations.
    Leaves:   a folder per stage in the run folder: models that transformers loads,
              traces, answers, and the report in the summary of the last.
    Example:  rlhf-lite real --rankings oasst1 --model gpt2 --limit-tokens 512
              rlhf-lite real --rankings trees.jsonl --model "" --tokenizer gpt2/
    """
    from . import processes
    from .real_chain import RealChain

    config = RealChainConfig(
        **{name: getattr(args, name) for name in RealChainConfig.__dataclass_fields__ if hasattr(args, name)}
    )
    chain = RealChain(*_with_settings(config, args.set), processes_expected=args.processes)
    try:
        found = chain.get(args.only or "evaluation")
        if processes.rank():
            return
        table(("left out or cut", "times"), sorted(chain.left_out.items(), key=lambda pair: -pair[1]), config.rankings)
        if not args.only:
            _show_real_report(chain.report)
        say(f"\n{found.folder}")
    finally:
        processes.leave()


def _with_settings(config: RealChainConfig, changes: list[str]) -> tuple[RealChainConfig, RealStages]:
    """The chain's config and its stages (of the gpt2 profile) with settings like pieces=4 or ppo.kl_beta=0.1 changed."""
    parts = {"": config, **vars(RealStages())}
    wanted: dict[str, dict] = {name: {} for name in parts}
    for change in changes:
        place, _, text = change.partition("=")
        stage, _, name = place.rpartition(".")
        if stage not in parts or not text:
            raise ValueError(f"--set {change}: write NAME=VALUE, or STAGE.NAME=VALUE with a stage of sft, reward, ppo")
        wanted[stage][name] = _read_like(getattr(parts[stage], name, text), text)
    config, *stages = (part.replace(**wanted[name]) for name, part in parts.items())
    return config, RealStages(*stages)


def _read_like(default, text: str):
    """A text as a value of the default's kind; as it is, if it is none: the config says what it should be."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return type(default)(text)
    except ValueError:
        return text


def _show_real_report(report: dict) -> None:
    """What the judge prefers, and how far the judge can be trusted."""
    counts = [(side, *found.values()) for side, found in report["data"].items()]
    table(("side", *report["data"]["test"]), counts, "Split by user")
    trust = [(name, _interval(mean)) for name, mean in report["agreement_with_people"].items()]
    table(("model", "agrees with people"), trust, "Pairs of the test side, 95 % interval over users; chance is 0.5")
    rows = [(name, _interval(mean), *(_interval(report["scores"][who][name]) for who in ("judge", "reward_model")))
            for name, mean in report["wins_against_sft"].items()]  # fmt: skip
    table(
        ("answers", "wins against SFT", "judge's score", "reward model's score"),
        rows,
        "By the judge, on prompts of the test side",
    )


COMMANDS: dict[Callable, Callable] = {
    run: _run_options, chat: _chat_options, lab: _lab_options, notebooks: _notebooks_options, stages: _chain_options,
    seeds: _seeds_options, sweep: _sweep_options, world: _world_options, labels: _labels_options,
    reward: _reward_options, real: _real_options, export: _export_options, bench: _bench_options,
}  # fmt: skip
