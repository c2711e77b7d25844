"""A model on its way to others: a folder that plain transformers loads, with a card that says what it is.

    export(store.SHIPPED / "ppo_ptx-e1dee4f30f", "my-policy")      # a policy or a reward model, whichever the folder holds
    push("my-policy", "me/my-policy")                             # to the hub, private unless told otherwise

The card tells what the run recorded (stage.json, summary.json, trace.jsonl) and leaves out what it did not. The exported
folder keeps that record, so it can be exported again.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from .chain import store
from .chain.plan import POLICIES
from .chain.real_reward import fingerprint
from .data.files import atomic_write, read_json, write_json
from .data.network import hub_answers, unreachable
from .models.checkpoints import fit_to_tokenizer, load_policy, load_scalar_model, save_model
from .models.heads import question_ids
from .models.tokens import decode, load_tokenizer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CARD, RECORD = "README.md", "summary.json"
WHAT = {  # the models of the chain
    "base": "A base model: it continues text and has seen no instructions.",
    "sft": "A supervised policy: the base model, trained further on demonstrations written by labelers (InstructGPT, step 1).",
    "start": "A supervised policy trained on demonstrations and some pretraining text: what reinforcement learning starts from.",
    "reward": "A reward model: it scores an answer to a prompt, higher for answers that labelers ranked higher "
    "(InstructGPT, step 2).",
    "ppo": "A policy trained with PPO against a reward model (InstructGPT, step 3).",
    "ppo_ptx": "A policy trained with PPO against a reward model, with pretraining gradients mixed in (PPO-ptx; InstructGPT, "
    "step 3).",
    "real_reward": "A reward model: it scores an answer to a prompt, higher for answers of the kind that people ranked higher.",
}


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

    `name` is what the card's examples load (default: the target's own name), `command` the line that builds the model.
    A new target appears whole or not at all. One that holds anything but an untouched earlier export is a ValueError, unless
    `overwrite`: then files of the same names are replaced and others stay.
    """
    source, target = Path(source).expanduser(), Path(target).expanduser()
    if dtype not in DTYPES:
        raise ValueError(f"there is no precision {dtype!r}; take {' or '.join(DTYPES)}")
    old = _replaceable(source, target, overwrite)
    record = read_record(source)
    model, tokenizer = _load(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".exporting-") as temporary:
        made = Path(temporary) / "made"
        save_model(model, made, DTYPES[dtype], tokenizer)
        with atomic_write(made / CARD) as file:
            file.write(
                card(
                    model, tokenizer, record, name or target.resolve().name, command, license, dtype
                ).encode()
            )
        write_json(made / RECORD, {**record.to_dict(), "files": store.digests(made)})
        _move(made, target, old)
    return target


def _load(source: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model in a folder and its tokenizer, which knows no token that the model lacks."""
    if not (source / "config.json").is_file():
        raise ValueError(
            f"{source} holds no model (there is no config.json); give the folder of a policy or a reward model"
        )
    if not any((source / file).is_file() for file in ("tokenizer.json", "vocab.json")):
        raise ValueError(
            f"{source} holds no tokenizer (neither tokenizer.json nor vocab.json); save one beside the model"
        )
    kinds = read_json(source / "config.json").get("architectures") or []
    scores = any(kind.endswith("ForSequenceClassification") for kind in kinds)
    try:
        model, tokenizer = (load_scalar_model if scores else load_policy)(source), load_tokenizer(source)
    except (ValueError, OSError):
        raise
    except Exception as error:  # files that are cut off or no such files; safetensors and tokenizers have errors of their own
        raise ValueError(f"{source} cannot be loaded: {error}") from error
    fit_to_tokenizer(model, tokenizer)
    if not scores:  # who samples without saying how much is stopped where the model has no more positions
        model.generation_config.max_length = model.config.n_positions
    return model, tokenizer


def _replaceable(source: Path, target: Path, overwrite: bool) -> set[str]:
    """Names of the files in `target` that an earlier export wrote and nobody changed; ValueError if it must not be touched."""
    if target.resolve() == source.resolve():
        raise ValueError(f"{target} is the model's own folder; give another one")
    if not target.is_dir():
        if target.exists():
            raise ValueError(f"{target} is a file; give a folder")
        return set()
    found = {path.name for path in target.iterdir()}
    try:
        written = (
            {RECORD, *store.check(target)["files"]} if CARD in found else set()
        )  # a run's folder has no card
    except store.DamagedStage:
        written = set()
    if found != written and found and not overwrite:
        raise ValueError(
            f"{target} holds something else than an export: give a new folder, or ask to overwrite"
        )
    return written


def _move(made: Path, target: Path, old: set[str]) -> None:
    """Put a finished export in place: a new folder in one step, into an old one file by file, its record first out, last in."""
    if not target.is_dir() or not any(target.iterdir()):
        if target.is_dir():
            target.rmdir()
        os.replace(made, target)
        return
    names = {path.name for path in made.iterdir()}
    for name in (RECORD, *(old - names)):
        (target / name).unlink(missing_ok=True)
    for name in sorted(names, key=lambda name: name == RECORD):
        os.replace(made / name, target / name)


# --- What is known of it ------------------------------------------------------------------------------------


class Record(NamedTuple):
    """How a model was made, as far as its folder says: nothing is filled in."""

    folder: str  # its name, where the folder is a stage
    stage: dict  # config and inputs
    summary: dict  # result, seconds, commit, versions, hardware
    last_step: dict  # of the trace

    def to_dict(self) -> dict:
        return {**self.summary, "folder": self.folder, "stage": self.stage, "last_step": self.last_step}

    @property
    def kind(self) -> str:
        """sft, reward, ...; "" if the folder is not one of ours."""
        kind = self.folder.rpartition("-")[0]
        return kind if kind in WHAT else ""

    @property
    def base_model(self) -> str:
        """The hub's name of the model that training started from; its fingerprint tells a name from a folder of one's own."""
        start, digest = (
            self.summary.get("result", {}).get("start", ""),
            self.stage.get("inputs", {}).get("model"),
        )
        return start if start and not Path(start).exists() and fingerprint(start) == digest else ""


def read_record(folder: Path) -> Record:
    """What a run, or an earlier export, left beside its model."""
    if not (folder / RECORD).is_file():
        return Record("", {}, {}, {})
    try:
        summary = {name: value for name, value in store.check(folder).items() if name != "files"}
    except store.DamagedStage as error:
        raise ValueError(f"{error} Nothing was exported.") from error
    if "stage" in summary:  # an export
        return Record(
            summary.pop("folder"), summary.pop("stage"), last_step=summary.pop("last_step"), summary=summary
        )
    stage = read_json(folder / "stage.json") if (folder / "stage.json").exists() else {}
    trace = store.read_trace(folder) if (folder / "trace.jsonl").exists() else []
    return _without_paths(Record(folder.resolve().name, stage, summary, trace[-1] if trace else {}))


def _without_paths(record: Record) -> Record:
    """Of a checkpoint in a folder of one's own only the folder's name leaves the machine."""
    result = record.summary.get("result", {})
    if "start" in result and not record.base_model:
        result["start"] = Path(result["start"]).name
    return record


# --- The card -----------------------------------------------------------------------------------------------


def card(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    record: Record,
    name: str,
    command: str = "",
    license: str | None = None,
    dtype: str = "fp32",
) -> str:
    """README.md of an export: YAML for the hub, what it is, how it was made, how to use it, its limits."""
    scores = hasattr(model, "score")
    what = WHAT.get(
        record.kind, "A reward model." if scores else "A policy: a language model that answers prompts."
    )
    size = (
        f"GPT-2 architecture, {model.num_parameters():,} parameters, {model.config.vocab_size:,} tokens in its vocabulary, "
        f"at most {model.config.n_positions:,} of them in a text; weights in {dtype}."
    )
    sections = {
        "How it was made": _made(record, command, getattr(model.config, "trained_rankings", 0)),
        "How to use it": _use_scores(model, tokenizer, name) if scores else _use_policy(record, name),
        "Limits": _limits(record, scores),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    title = _cell(name.rpartition("/")[2])
    return f"{_front_matter(record, scores, license)}\n# {title}\n\n{what}\n\n{size}\n\n{body}\n"


def _front_matter(record: Record, scores: bool, license: str | None) -> str:
    """The YAML block that the hub reads. JSON strings are YAML strings, whatever is in them."""
    ours = record.kind in ("reward", *POLICIES)  # made of nothing but this repository
    fields = {
        "license": license or ("mit" if ours else "other"),
        "library_name": "transformers",
        "pipeline_tag": "text-classification" if scores else "text-generation",
        "tags": [
            "rlhf-lite",
            "rlhf",
            "gpt2",
            *(["reward-model"] if scores else []),
            *filter(None, [record.kind]),
        ],
    }
    if record.base_model:
        fields["base_model"] = record.base_model
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items()) + "---\n"


def _made(record: Record, command: str, rankings: int) -> str:
    """A table of what the run recorded, its settings, and where its loss and other results ended."""
    if not record.summary:
        return "Nothing about that was recorded beside the model."
    hardware, stage = record.summary.get("hardware", {}), record.stage
    where = hardware and " on " + _cell(
        hardware.get("gpu") or f"{hardware['cores']} cores of {hardware['cpu']}"
    )
    settings, inputs = stage.get("config", {}), stage.get("inputs", {})
    facts = {
        "run": record.folder,
        "command": command and f"`{command}`",
        "seed": str(settings.get("seed", "")),
        "commit": record.summary.get("commit"),
        "made from": ", ".join(f"{key} {_cell(value)}" for key, value in inputs.items()),
        "trained on": rankings and f"{rankings:,} rankings",
        "time": f"{record.summary['seconds']:,.0f} s{where or ''}" if "seconds" in record.summary else "",
        "versions": ", ".join(f"{key} {value}" for key, value in record.summary.get("versions", {}).items()),
        "settings": ", ".join(f"{key} = {_cell(value)}" for key, value in settings.items()),
        "result": _numbers(record.summary.get("result", {})),
        f"step {record.last_step.get('step')}, the last": _numbers(_losses(record.last_step)),
    }
    rows = [f"| {name} | {value} |" for name, value in facts.items() if value]
    return "\n".join(["|  |  |", "| --- | --- |", *rows])


def _losses(step: dict) -> dict:
    return {name: value for name, value in step.items() if name.startswith("loss")}


def _numbers(result: dict) -> str:
    """Nested results as "valid/accuracy 0.702, ..."; texts among them too."""
    flat, todo = {}, list(result.items())
    while todo:
        key, value = todo.pop(0)
        if isinstance(value, dict):
            todo[:0] = [(f"{key}/{inner}", v) for inner, v in value.items()]
        else:
            flat[key] = f"{value:.4g}" if isinstance(value, float) else _cell(value)
    return ", ".join(f"{_cell(key)} {value}" for key, value in flat.items())


def _cell(value) -> str:
    """A recorded value where a table can hold it, none of it read as markup."""
    text = " ".join(str(value).split())
    return text.translate({ord(c): f"\\{c}" for c in "\\|`*_[]<>"})


def _use_policy(record: Record, name: str) -> str:
    text, reads, also = (
        "List three animals.\\n",
        "a prompt and a newline",
        ", or messages; the chat template adds the newline",
    )
    if record.kind == "base":
        text, reads, also = "The cat", "the beginning of a text", ""
    return f"""The model reads {reads}, and ends what it writes with `eos_token`. The tokenizer pads on the left.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({json.dumps(name)})  # this folder, or its name on the hub
model = AutoModelForCausalLM.from_pretrained({json.dumps(name)})
inputs = tokenizer(["{text}"], return_tensors="pt", padding=True)
output = model.generate(**inputs)  # greedy; with do_sample=True, top_k=0 as in training
print(tokenizer.decode(output[:, inputs.input_ids.shape[1] :], skip_special_tokens=True))
```

`pipeline("text-generation", {json.dumps(name)})` samples. It takes such a text{also}."""


def _use_scores(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, name: str) -> str:
    question = question_ids(model)
    end = "model.config.question_ids" if question else "[tokenizer.eos_token_id]"
    asked = _cell(decode(tokenizer, question)).strip()
    after = f'the question "{asked}" in place of `eos_token`' if question else "`eos_token`"
    return f"""The model reads the prompt, a newline, the answer, and {after}; its one number is the score of the answer.

```python
from transformers import AutoModelForSequenceClassification, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({json.dumps(name)})  # this folder, or its name on the hub
model = AutoModelForSequenceClassification.from_pretrained({json.dumps(name)})
texts = tokenizer(["List three animals.", "\\n", "1. cat\\n2. dog\\n3. cow"]).input_ids  # prompt, newline, answer
batch = tokenizer.pad({{"input_ids": [sum(texts, []) + {end}]}}, return_tensors="pt")
print(model(**batch).logits[:, 0].tolist())
```

Several exchanges make one batch: the tokenizer pads them on the right, where the model needs it."""


def _limits(record: Record, scores: bool) -> str:
    lines = [
        "A special token that is named in a text, such as `<|endoftext|>`, is read as that token, unless the tokenizer is "
        "called with `split_special_tokens=True`."
    ]
    if record.kind in ("reward", *POLICIES):
        lines.insert(
            0,
            "It knows one little made-up world in simple English (animals, people, towns, foods), where simulated "
            "labelers stand for people. It is for learning how RLHF works, not for any other use.",
        )
    else:
        lines.insert(
            0,
            "Its licence follows from the data and the model it was made of, which whoever publishes it must look up.",
        )
    if scores:
        lines.append(
            "Only differences between answers to the same prompt were trained. A policy that is optimised against it "
            "finds what it overrates."
        )
    return "\n".join(f"* {line}" for line in lines)


# --- The hub ------------------------------------------------------------------------------------------------


def check_push(name: str) -> None:
    """Whether a push could work, in at most two seconds: ValueError for a bad name or no token, ConnectionError offline."""
    from huggingface_hub import constants, get_token
    from huggingface_hub.utils import validate_repo_id

    validate_repo_id(name)
    if "/" not in name:  # the card says what to load, and a name without its owner loads nothing
        raise ValueError(f"--push {name} does not say whose it is; give OWNER/{name}")
    if constants.HF_HUB_OFFLINE or not hub_answers():
        raise ConnectionError(f"nothing was pushed: {unreachable()}, or leave --push out")
    if not get_token():
        raise ValueError("there is no token of the hub, nothing was pushed; run: hf auth login")


def push(folder: str | Path, name: str, private: bool = True) -> str:
    """Upload what `export` wrote, and nothing else that lies there, to a model repository of the hub; returns its address.

    The repository is made if there is none, private by default; one that is there keeps its visibility.
    """
    from huggingface_hub import HfApi

    check_push(name)
    files = [RECORD, *store.check(Path(folder))["files"]]
    try:
        api = HfApi()
        address = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo_id,
            folder_path=folder,
            allow_patterns=files,
            commit_message="rlhf-lite export",
        )
    except (
        Exception
    ) as error:  # the client's own kinds of error are many, and none of them can be mended here
        raise ConnectionError(f"{name} was not pushed: {error}") from error
    return str(address)
