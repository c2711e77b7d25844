"""A model on its way to others: a folder that plain transformers loads, with a card that says what it is.

    export(store.SHIPPED / "ppo_ptx-e1dee4f30f", "my-policy")      # a policy or a reward model
    push("my-policy", "me/my-policy")                             # to the hub, private unless told otherwise

The card (`card.md`) tells what the run recorded. The folder keeps that record, so it can be exported again.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import huggingface_hub
import torch
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.utils import validate_repo_id
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from .chain import store
from .chain.recipes import POLICIES
from .data.files import fingerprint, lacks, read_json
from .data.network import hub_answers, unreachable
from .models.checkpoints import fit_to_tokenizer, load_policy, load_scalar_model, save_model
from .models.tokens import load_tokenizer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CARD, RECORD, TEMPLATE = "README.md", "summary.json", Path(__file__).with_name("card.md")


# --- The folder ---------------------------------------------------------------------------------------------


def export(
    source: str | Path,
    target: str | Path,
    *,
    dtype: str = "fp32",
    name: str | None = None,
    command: str = "",
    license: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write model, tokenizer, card and record of a folder to `target`; returns it.

    `name` is what the card's examples load (default: the target's), `command` the line that builds the model.
    A new target appears whole or not at all. One that holds anything but an untouched earlier export is a
    ValueError, unless `overwrite`: then files of the same names are replaced and others stay.
    """
    source, target = Path(source).expanduser(), Path(target).expanduser()
    if dtype not in DTYPES:
        raise ValueError(f"there is no precision {dtype!r}; take {' or '.join(DTYPES)}")
    if target.resolve() == source.resolve():
        raise ValueError(f"{target} is the model's own folder; give another one")
    old = _earlier_export(target, overwrite)
    record = read_record(source)
    model, tokenizer = _load(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".exporting-") as temporary:
        made = Path(temporary) / "made"
        save_model(model, made, DTYPES[dtype], tokenizer)
        name = name or target.resolve().name
        card(model, tokenizer, record, name, command, license, dtype).save(made / CARD)
        store.write_summary(made, record)
        _move(made, target, old)
    return target


def _load(source: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model in a folder and its tokenizer, which knows no token that the model lacks."""
    if not (source / "config.json").is_file():
        raise ValueError(lacks(source, "model (there is no config.json)"))
    if not any((source / file).is_file() for file in ("tokenizer.json", "vocab.json")):
        raise ValueError(f"{source} holds no tokenizer (tokenizer.json or vocab.json); save it there")
    kinds = read_json(source / "config.json").get("architectures") or []
    load = load_policy
    if any(kind.endswith("ForSequenceClassification") for kind in kinds):
        load = load_scalar_model
    try:
        model, tokenizer = load(source), load_tokenizer(source)
    except (ValueError, OSError):
        raise
    except Exception as error:  # safetensors and tokenizers have their own for files that are cut off
        raise ValueError(f"{source} cannot be loaded: {error}") from error
    fit_to_tokenizer(model, tokenizer)
    if load is load_policy:  # who samples without saying how much is stopped where the positions end
        model.generation_config.max_length = model.config.n_positions
    return model, tokenizer


def _earlier_export(target: Path, overwrite: bool) -> set[str]:
    """Names of the files in `target` that an earlier export wrote; ValueError if anything else is there."""
    if not target.exists():
        return set()
    if not target.is_dir():
        raise ValueError(f"{target} is a file; give a folder")
    found, written = {path.name for path in target.iterdir()}, set()
    if CARD in found:  # a run's folder has none
        with suppress(store.DamagedStage):
            written = {RECORD, *store.check(target)["files"]}
    if found != written and not overwrite:
        raise ValueError(f"{target} holds something else than an export: give another one, or overwrite it")
    return written


def _move(made: Path, target: Path, old: set[str]) -> None:
    """Put an export in place: a new folder in one step, else file by file, the record first out, last in."""
    if not target.exists():
        os.replace(made, target)
        return
    names = {path.name for path in made.iterdir()}
    for name in (RECORD, *(old - names)):
        (target / name).unlink(missing_ok=True)
    for name in sorted(names, key=lambda name: name == RECORD):
        os.replace(made / name, target / name)


def read_record(folder: Path) -> dict:
    """What a run, or an earlier export, left beside its model; empty where there is nothing.

    Beside the summary it has `folder`, the stage's name; `stage`, its config and inputs; `last_step` of its
    trace; `base_model`, the hub's name of what training started from.
    """
    if not (folder / RECORD).is_file():
        return {}
    try:
        record = store.check(folder)
    except store.DamagedStage as error:
        raise ValueError(f"{error} Nothing was exported.") from error
    del record["files"]
    if "stage" in record:  # of an earlier export
        return record
    record |= {"folder": folder.resolve().name, "stage": {"config": {}, "inputs": {}}, "last_step": {}}
    if (folder / "stage.json").exists():
        record["stage"] = read_json(folder / "stage.json")
    if (folder / "trace.jsonl").exists():
        record["last_step"] = store.read_trace(folder)[-1]
    if start := record["result"].get("start"):
        if not Path(start).exists() and fingerprint(start) == record["stage"]["inputs"].get("model"):
            record["base_model"] = start
        else:  # of a checkpoint in a folder of one's own only the folder's name leaves the machine
            record["result"]["start"] = Path(start).name
    return record


# --- The card -----------------------------------------------------------------------------------------------


def card(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    record: dict,
    name: str,
    command: str = "",
    license: str | None = None,
    dtype: str = "fp32",
) -> ModelCard:
    """README.md of an export: YAML for the hub, what it is, how it was made, how to use it, its limits."""
    kind, scores = record.get("folder", "").rpartition("-")[0], hasattr(model, "score")
    if kind.removeprefix("real_") not in ("reward", *POLICIES):
        kind = ""
    ours = kind in ("reward", *POLICIES)  # made of nothing but this repository
    tags = ["rlhf-lite", "rlhf", "gpt2", "reward-model" if scores else "", kind]
    data = ModelCardData(
        license=license or ("mit" if ours else "other"),
        library_name="transformers",
        pipeline_tag="text-classification" if scores else "text-generation",
        tags=[tag for tag in tags if tag],
        base_model=record.get("base_model"),
    )
    words = {"name": name, "command": command, "dtype": dtype, "listed": _listed, "escaped": _escaped}
    words |= {"model": model, "record": record, "kind": kind, "ours": ours, "scores": scores}
    if record:
        words["losses"] = {k: value for k, value in record["last_step"].items() if k.startswith("loss")}
    return ModelCard.from_template(data, template_path=str(TEMPLATE), **words)


def _listed(values: dict, equals: str = " ", form: str = ".4g") -> str:
    """{"valid": {"accuracy": 0.702}, ...} as "valid/accuracy 0.702, ..."; `form` is that of fractions."""
    parts = []
    for name, value in values.items():
        if isinstance(value, dict):
            parts.append(_listed({f"{name}/{inner}": x for inner, x in value.items()}, equals, form))
        else:
            text = format(value, form) if isinstance(value, float) else str(value)
            parts.append(f"{_escaped(name)}{equals}{_escaped(text)}")
    return ", ".join(filter(None, parts))


def _escaped(text: str) -> str:
    """A recorded text in one line, none of it read as markup."""
    return " ".join(text.split()).translate({ord(c): f"\\{c}" for c in "\\|`*_[]<>"})


# --- The hub ------------------------------------------------------------------------------------------------


def check_push(name: str) -> None:
    """Whether a push could work, in two seconds: ValueError for name or token, ConnectionError offline."""
    validate_repo_id(name)
    if "/" not in name:  # the card says what to load, and a name without its owner loads nothing
        raise ValueError(f"--push {name} does not say whose it is; give OWNER/{name}")
    if huggingface_hub.constants.HF_HUB_OFFLINE or not hub_answers():
        raise ConnectionError(f"nothing was pushed: {unreachable()}, or leave --push out")
    if not huggingface_hub.get_token():
        raise ValueError("there is no token of the hub, nothing was pushed; run: hf auth login")


def push(folder: str | Path, name: str, private: bool = True) -> str:
    """Upload what `export` wrote, and nothing else in its folder, to a model repository; returns its address.

    The repository is made if there is none, private by default; one that is there keeps its visibility.
    """
    check_push(name)
    files = [RECORD, *store.check(Path(folder))["files"]]
    try:
        api = huggingface_hub.HfApi()
        address = api.create_repo(name, private=private, exist_ok=True)
        options = {"allow_patterns": files, "commit_message": "rlhf-lite export"}
        api.upload_folder(repo_id=address.repo_id, folder_path=folder, **options)
    except Exception as error:  # the client's own kinds of error are many, and none can be mended here
        raise ConnectionError(f"{name} was not pushed: {error}") from error
    return str(address)
