"""Models on their way to others: plain transformers gives what we give, the card says what is so, nothing is
pushed unasked.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch

from rlhf_lite import cli
from rlhf_lite.chain import store
from rlhf_lite.data.files import fingerprint, read_json, write_json
from rlhf_lite.data.own import own_rankings
from rlhf_lite.export import export, push, read_record
from rlhf_lite.labels.exchange import save_as, to_messages, to_pairs
from rlhf_lite.models.checkpoints import (
    load_policy,
    load_scalar_model,
    new_policy,
    new_scalar_model,
    save_model,
)
from rlhf_lite.models.heads import policy_logits
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.models.tokens import build_tokenizer, encode_prompts, exchange_rows, load_tokenizer
from rlhf_lite.train.scoring import score_texts

DATA = Path(os.environ.get("RLHF_LITE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
SHAPE = SimpleNamespace(width=16, layers=2, heads=2, n_positions=64)
WORDS = "the cat a dog sat on mat . ! ?".split()
PROMPTS = ["List three animals.", "the dog", "Was it so?\nSay it in Zürich 🙂."]
ANSWERS = ["1. cat\n2. dog\n3. cow", "", "a dog sat  on the mat!"]
QUESTION = "Who says so?"

# What a stranger does with the folders: no rlhf_lite, nothing but transformers.
STRANGER = """
import contextlib, io, json, re, sys
sys.modules["rlhf_lite"] = None
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, pipeline

def card(folder):
    text = open(folder + "/README.md", encoding="utf-8").read()
    code = re.search("```python\\n(.*?)```", text, re.DOTALL)[1]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, {})
    return eval(out.getvalue(), {})

def policy(folder, prompts):
    tokenizer, model = (Auto.from_pretrained(folder) for Auto in (AutoTokenizer, AutoModelForCausalLM))
    texts = [prompt + "\\n" for prompt in prompts]
    alone = [tokenizer(text, return_tensors="pt") for text in texts]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    new = lambda inputs: model.generate(**inputs, max_new_tokens=8)[:, inputs.input_ids.shape[1]:]
    read = lambda ids: tokenizer.decode(ids, skip_special_tokens=True)
    write = pipeline("text-generation", folder, batch_size=2)
    said = write(texts, do_sample=False, return_full_text=False, max_new_tokens=8)
    return {"ids": [inputs.input_ids[0].tolist() for inputs in alone],
            "logits": [model(**inputs).logits[0, -1, :800].tolist() for inputs in alone],
            "alone": [read(new(inputs)[0]) for inputs in alone], "batch": read(new(batch)),
            "pipeline": [one[0]["generated_text"] for one in said],
            "longest": max(model.generate(**inputs).shape[1] for inputs in alone)}

def scores(folder, pairs):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    end = [tokenizer.eos_token_id]
    rows = [sum(tokenizer([prompt, "\\n", answer]).input_ids, []) + end for prompt, answer in pairs]
    batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
    return {"batch": model(**batch).logits[:, 0].tolist()}

jobs = json.load(sys.stdin)
found = {}
for folder, job in jobs.items():
    found[folder] = globals()[job["what"]](folder, job["texts"]) | {"card": card(folder)}
json.dump(found, open("found.json", "w"))
"""


@pytest.fixture(autouse=True)
def settled(tmp_path_factory, monkeypatch):
    """Numbers to compare to 1e-5, and no stages but the shipped ones."""
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp32")
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path_factory.getbasetemp() / "no-runs"))


def command(*words) -> int:
    return cli.main(["export", *map(str, words)])


def random_models(tokenizer, folder: Path) -> None:
    """A policy and a reward model, with weights large enough to prefer something."""
    policy = new_policy(SHAPE, tokenizer)
    with torch.no_grad():
        policy.transformer.wte.weight.mul_(10)
    for name, model in (("policy", policy), ("reward", new_scalar_model(policy))):
        save_model(model, folder / name, tokenizer=tokenizer)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    """Folders of models by the name of their export: the shipped ones, random ones, random ones with GPT-2's
    tokenizer.
    """
    tokenizers = {"random": build_tokenizer(WORDS)}
    if (DATA / "gpt2-tokenizer").is_dir():
        tokenizers["gpt2"] = load_tokenizer(DATA / "gpt2-tokenizer")
    found = {stage: next(store.SHIPPED.glob(f"{stage}-*")) for stage in ("ppo_ptx", "reward")}
    for name, tokenizer in tokenizers.items():
        folder = tmp_path_factory.mktemp(name)
        random_models(tokenizer, folder)
        found |= {f"{name}-{kind}": folder / kind for kind in ("policy", "reward")}
    return found


@pytest.fixture(scope="module")
def out(models, tmp_path_factory) -> Path:
    """All of them exported."""
    folder = tmp_path_factory.mktemp("out")
    for name, source in models.items():
        export(source, folder / name)
    return folder


def is_policy(name: str) -> bool:
    return name.endswith(("policy", "ppo_ptx"))


@pytest.fixture(scope="module")
def stranger(models, out) -> dict:
    """What plain transformers makes of the exports, in a process that cannot import us."""
    pairs = list(zip(PROMPTS, ANSWERS, strict=True))
    jobs = {
        name: {"what": "policy", "texts": PROMPTS} if is_policy(name) else {"what": "scores", "texts": pairs}
        for name in models
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER],
        input=json.dumps(jobs),
        cwd=out,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert (
        "rlhf_lite" not in done.stderr
        and "right-padding" not in done.stderr
        and "newly initialized" not in done.stderr
    )
    return json.loads((out / "found.json").read_text())


# --- the same numbers elsewhere -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_policy_is_the_same_in_plain_transformers(models, stranger):
    for name in filter(is_policy, models):
        policy, tokenizer, theirs = load_policy(models[name]), load_tokenizer(models[name]), stranger[name]
        ours = sample_texts(policy, tokenizer, PROMPTS, 8, greedy=True)
        assert theirs["alone"] == theirs["batch"] == theirs["pipeline"] == ours, name
        for prompt, ids, logits in zip(PROMPTS, theirs["ids"], theirs["logits"], strict=True):
            encoded = encode_prompts(tokenizer, [prompt], 64)
            assert encoded.ids[0].tolist() == ids
            expected = policy_logits(policy, *encoded)[0, -1, :800]
            torch.testing.assert_close(torch.tensor(logits), expected, atol=1e-5, rtol=1e-5)
        assert (
            theirs["longest"] <= policy.config.n_positions
        )  # generation that nobody limits ends where the positions do


@pytest.mark.slow
def test_a_reward_model_is_the_same_in_plain_transformers(models, stranger):
    for name in models:
        if not is_policy(name):
            ours = score_texts(
                load_scalar_model(models[name]), load_tokenizer(models[name]), PROMPTS, ANSWERS
            )
            assert stranger[name]["batch"] == pytest.approx(ours, abs=1e-5), name


@pytest.mark.slow
def test_the_cards_own_examples_run_and_say_what_we_say(models, stranger):
    for name, source in models.items():
        tokenizer = load_tokenizer(source)
        if is_policy(name):
            policy = load_policy(source)
            said = sample_texts(
                policy, tokenizer, ["List three animals."], policy.config.n_positions, greedy=True
            )
            assert stranger[name]["card"] == said
        else:
            score = score_texts(load_scalar_model(source), tokenizer, PROMPTS[:1], ANSWERS[:1])
            assert stranger[name]["card"] == pytest.approx(score, abs=1e-5)


def test_the_tokenizer_fits_its_model_however_it_was_used_before(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = build_tokenizer(WORDS)
    tokenizer(["the cat", "a"], padding=True, truncation=True, max_length=1)
    random_models(tokenizer, tmp_path)
    for name, side in (("policy", "left"), ("reward", "right")):
        saved = AutoTokenizer.from_pretrained(tmp_path / name)
        assert (saved.padding_side, saved.pad_token_id, saved.model_max_length) == (side, 1, 64)
        file, settings = (
            (tmp_path / name / part).read_text() for part in ("tokenizer.json", "tokenizer_config.json")
        )
        assert (
            json.loads(file)["padding"] is json.loads(file)["truncation"] is None and "local" not in settings
        )


def test_the_chat_template_is_our_template(models):
    from transformers import AutoTokenizer

    for source in (models[name] for name in models if name.endswith("-policy")):
        tokenizer = AutoTokenizer.from_pretrained(source)
        for prompt, answer in zip(PROMPTS, ANSWERS, strict=True):
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
            rows, _ = exchange_rows(load_tokenizer(source), [prompt], [answer], 64)
            assert tokenizer.apply_chat_template(turns).input_ids == rows[0]
            asked = tokenizer.apply_chat_template(turns[:1], add_generation_prompt=True).input_ids
            assert asked == encode_prompts(load_tokenizer(source), [prompt], 64).ids[0].tolist()


def test_bfloat16_is_half_the_size_and_loads_as_float32(models, out, tmp_path):
    from transformers import AutoModelForSequenceClassification

    export(models["reward"], tmp_path / "half", dtype="bf16")
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (tmp_path / "half", out / "reward")]
    assert sizes[0] < 0.6 * sizes[1]
    weights = [
        AutoModelForSequenceClassification.from_pretrained(f).state_dict()
        for f in (tmp_path / "half", out / "reward")
    ]
    assert all(
        torch.equal(w, weights[1][name]) for name, w in weights[0].items()
    )  # what is shipped was rounded before


def test_a_tokenizer_with_a_token_more_than_its_model_brings_a_row(tmp_path):
    tokenizer = build_tokenizer(WORDS)
    save_model(new_policy(SHAPE, tokenizer), tmp_path / "model", tokenizer=tokenizer)
    tokenizer.add_tokens("mouse")
    tokenizer.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path / "out")
    assert load_policy(tmp_path / "out").config.vocab_size == len(tokenizer)


def test_how_the_base_was_sampled_from_does_not_come_along(tmp_path):
    """Special ids and the length, and nothing else: a habit of the base would change what others hear."""
    tokenizer, base = build_tokenizer(WORDS), tmp_path / "base"
    save_model(new_policy(SHAPE, tokenizer), base, tokenizer=tokenizer)
    habits = {"top_k": 5, "repetition_penalty": 1.3, "do_sample": True, "suppress_tokens": [0]}
    write_json(base / "generation_config.json", habits | {"temperature": 0.3})
    task = {"task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}}
    write_json(base / "config.json", read_json(base / "config.json") | task | {"top_k": 7})
    save_model(load_policy(base, tokenizer), tmp_path / "tuned", tokenizer=tokenizer)
    for source in (base, tmp_path / "tuned"):
        export(source, tmp_path / f"out of {source.name}")
        made = read_json(tmp_path / f"out of {source.name}" / "generation_config.json")
        del made["transformers_version"]
        assert made == {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1, "max_length": 64}
        assert not {"top_k", *task} & set(read_json(tmp_path / f"out of {source.name}" / "config.json"))
    made = read_json(tmp_path / "tuned" / "generation_config.json")
    assert set(made) == {"bos_token_id", "eos_token_id", "pad_token_id", "transformers_version"}


def test_an_adapter_is_no_model_to_export(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="holds a LoRA adapter and no model.*; merge it into its base first"):
        export(tmp_path, tmp_path / "out")


# --- the card -----------------------------------------------------------------------------------------------


def test_the_card_says_what_the_run_recorded_and_no_more(tmp_path, capsys):
    assert command("reward", "--to", tmp_path / "rm") == 0
    said = capsys.readouterr().out
    source = next(store.SHIPPED.glob("reward-*"))
    card, summary = (tmp_path / "rm" / "README.md").read_text(), store.check(source)
    assert said == f"{source.name}: {tmp_path / 'rm'}\n"
    settings, step = read_json(source / "stage.json")["config"], store.read_trace(source)[-1]["step"]
    rankings = read_json(source / "config.json")["trained_rankings"]
    for text in (
        "| command | `rlhf-lite run --only reward` |",
        f"| seed | {settings['seed']} |",
        f"lr = {settings['lr']}",
        f"{summary['seconds']:.0f} s on {summary['hardware']['cores']} cores",
        f"{rankings:,} rankings",
        summary["commit"],
        f"torch {summary['versions']['torch']}",
        f"loss {summary['result']['loss']:.4g}",
        f"step {step}, the last",
    ):
        assert text in card, text
    data = huggingface_hub.ModelCard(card).data
    assert (data.license, data.library_name, data.pipeline_tag, data.base_model) == (
        "mit",
        "transformers",
        "text-classification",
        None,
    )
    assert {"rlhf-lite", "reward-model"} <= set(data.tags)


def test_only_settings_that_lead_to_the_folder_are_given_as_its_command(tmp_path):
    source = next(store.SHIPPED.glob("ppo_ptx-*"))
    assert command(source, "--to", tmp_path / "a") == 0
    assert command(source, "--seed", 5, "--to", tmp_path / "b") == 0
    assert "`rlhf-lite run --only ppo_ptx`" in (tmp_path / "a" / "README.md").read_text()
    assert "rlhf-lite run" not in (tmp_path / "b" / "README.md").read_text()


def test_a_model_without_a_record_gets_a_card_that_invents_nothing(out):
    card = (out / "random-policy" / "README.md").read_text()
    assert "Nothing about that was recorded" in card and "made-up world" not in card
    assert huggingface_hub.ModelCard(card).data.license == "other"


def real_run(folder: Path, models, start: str, digest: str) -> Path:
    """A folder as `rlhf-lite reward` leaves it."""
    save_model(
        load_scalar_model(models["random-reward"]), folder, tokenizer=load_tokenizer(models["random-reward"])
    )
    write_json(
        folder / "stage.json", {"config": {"seed": 3, "question": "a|b `c` <d>"}, "inputs": {"model": digest}}
    )
    store.seal(folder, 61.4, {"start": start, "held_out": {"accuracy": {"mean": 0.61234}}})
    return folder


def test_the_hubs_model_that_training_started_from_is_named_but_no_path_of_ones_own(models, tmp_path):
    hub = real_run(
        tmp_path / "real_reward-1", models, "openai-community/gpt2", fingerprint("openai-community/gpt2")
    )
    own = real_run(tmp_path / "real_reward-2", models, "/home/me/secret/gpt2", "0123456789ab")
    cards = [
        (export(folder, tmp_path / f"out-{folder.name}") / "README.md").read_text() for folder in (hub, own)
    ]
    assert [huggingface_hub.ModelCard(card).data.base_model for card in cards] == [
        "openai-community/gpt2",
        None,
    ]
    assert all(
        "held\\_out/accuracy/mean 0.6123" in card and "61 s" in card and "| seed | 3 |" in card
        for card in cards
    )
    assert (
        "a\\|b \\`c\\` \\<d\\>" in cards[0]
        and "secret" not in cards[1] + (tmp_path / "out-real_reward-2/summary.json").read_text()
    )


# --- the folder ---------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_export_can_be_exported_again_with_all_that_is_known(out, tmp_path):
    export(out / "ppo_ptx", tmp_path / "ppo_ptx")
    assert contents(tmp_path / "ppo_ptx") == contents(out / "ppo_ptx")
    assert read_record(tmp_path / "ppo_ptx") == read_record(next(store.SHIPPED.glob("ppo_ptx-*")))
    assert list(tmp_path.iterdir()) == [tmp_path / "ppo_ptx"]  # nothing half done beside it
    assert (
        len({path.stat().st_mode for path in (tmp_path / "ppo_ptx").iterdir()}) == 1
    )  # who may read one file may read all


def test_an_untouched_export_is_replaced_and_leaves_nothing_of_itself(models, out, tmp_path):
    for name in ("random-policy", "random-reward"):
        export(models[name], tmp_path / "out", name=name)
    assert contents(tmp_path / "out") == contents(
        out / "random-reward"
    )  # no generation_config.json of the policy


def test_what_someone_else_put_there_stays(models, out, tmp_path):
    target = export(models["random-policy"], tmp_path / "out", name="random-reward")
    for path, text in ((target / "notes.txt", "mine"), (target / "README.md", "my own words")):
        path.write_text(text)
        before = contents(target)
        with pytest.raises(ValueError, match="holds something else than an export"):
            export(models["random-reward"], target)
        assert contents(target) == before
    export(models["random-reward"], target, name="random-reward", overwrite=True)
    assert contents(target).items() >= (contents(out / "random-reward") | {"notes.txt": b"mine"}).items()


def test_a_failure_leaves_the_old_folder_alone(models, tmp_path, monkeypatch):
    target = export(models["random-policy"], tmp_path / "out")
    before = contents(target)
    monkeypatch.setattr("rlhf_lite.export.card", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(models["random-reward"], target)
    assert contents(target) == before and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    "words, said",
    [
        (
            "nope --to {}/x",
            "'nope' is neither a folder nor a stage with a model. "
            "Those are: base, sft, start, ppo, ppo_ptx, reward.",
        ),
        ("ppo --seed 77 --size M --to {}/x", "build it with: rlhf-lite run --only ppo --seed 77 --size M"),
        ("{} --to {}/x", "holds no model (there is no config.json)"),
        ("{}/bare --to {}/x", "holds no tokenizer"),
        ("{}/cut --to {}/x", "cannot be loaded"),
        ("{}/changed --to {}/x", "is damaged: its sha256 is not the recorded one"),
        ("ppo --to {}", "holds something else than an export"),
        ("ppo --to {}/file", "is a file; give a folder"),
        ("{}/cut --to {}/cut", "is the model's own folder"),
        ("ppo --precision fp8 --to {}/x", "no precision 'fp8'; take fp32 or bf16"),
        ("ppo --to {}/x --public", "--public says how to push; say where to, with --push NAME"),
        ("ppo --to {}/x --push a/b/c", "Repo id must be"),
        ("ppo --to {}/x --push mine", "--push mine does not say whose it is; give OWNER/mine"),
        ("ppo", "the following arguments are required: --to"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(words, said, models, tmp_path, capsys):
    save_model(load_policy(models["random-policy"]), tmp_path / "bare")
    for name in ("cut", "changed"):
        save_model(
            load_policy(models["random-policy"]),
            tmp_path / name,
            tokenizer=load_tokenizer(models["random-policy"]),
        )
    store.seal(tmp_path / "changed", 1.0, {})
    for name in ("cut", "changed"):
        (tmp_path / name / "model.safetensors").write_bytes(b"cut off")
    (tmp_path / "file").write_text("")
    assert command(*words.replace("{}", str(tmp_path)).split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err
    assert {path.name for path in tmp_path.iterdir()} == {"bare", "cut", "changed", "file"}


# --- the hub, which no test asks ----------------------------------------------------------------------------


class Hub:
    """Stands for HfApi and keeps what it was asked."""

    calls: list = []

    def create_repo(self, name, **options):
        self.calls.append((name, options))
        return SimpleNamespace(repo_id=name)

    def upload_folder(self, **options):
        self.calls.append(options)


@pytest.fixture
def hub(monkeypatch):
    """A hub within reach, and a token."""
    monkeypatch.setattr(Hub, "calls", [])
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: SimpleNamespace(close=lambda: None))
    return Hub


def test_a_push_is_private_and_takes_only_what_was_exported(hub, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    assert command("ppo", "--to", tmp_path / "out", "--overwrite", "--push", "me/policy") == 0
    (name, made), sent = hub.calls
    assert name == "me/policy" and made == {"private": True, "exist_ok": True}
    assert sent["repo_id"] == "me/policy" and sent["folder_path"] == tmp_path / "out"
    assert set(sent["allow_patterns"]) == set(os.listdir(tmp_path / "out")) - {"diary.txt"}
    assert 'from_pretrained("me/policy")' in (tmp_path / "out" / "README.md").read_text()
    assert (
        command("ppo", "--to", tmp_path / "new", "--push", "me/policy", "--public") == 0
        and hub.calls[2][1]["private"] is False
    )


def test_nothing_is_pushed_unasked(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("the network was asked"))
    assert command("ppo", "--to", tmp_path / "out") == 0 and hub.calls == []


def unreachable(*_, **__):
    raise OSError("no network")


@pytest.mark.parametrize(
    "connect", [unreachable, lambda *_, **__: time.sleep(5) or SimpleNamespace(close=lambda: None)]
)
def test_without_network_a_push_ends_at_once_and_nothing_is_written(
    connect, hub, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(socket, "create_connection", connect)
    started = time.monotonic()
    assert command("ppo", "--to", tmp_path / "out", "--push", "me/it") == 2 and time.monotonic() - started < 2
    err = capsys.readouterr().err
    assert (
        err.count("\n") == 1
        and "nothing was pushed: the hub at" in err
        and "cannot be reached; go online, or leave --push out" in err
    )
    assert hub.calls == [] and not list(tmp_path.iterdir())


def test_without_a_token_or_with_an_error_of_the_hub_a_push_says_so_in_a_line(
    hub, out, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert command("ppo", "--to", tmp_path / "out", "--push", "me/it") == 2
    assert "no token of the hub, nothing was pushed; run: hf auth login" in capsys.readouterr().err
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    monkeypatch.setattr(Hub, "upload_folder", lambda *_, **__: 1 / 0)
    with pytest.raises(ConnectionError, match="me/it was not pushed: division by zero"):
        push(out / "ppo_ptx", "me/it")


# --- rankings for TRL ---------------------------------------------------------------------------------------

RANKINGS = [
    {
        "prompt": "the cat",
        "completions": ["sat on a mat.", "dog", "a dog sat!"],
        "ranks": [1, 3, 2],
        "labeler": "ada",
    },
    {"prompt": "a dog", "completions": ["sat.", "cat"], "ranks": [2, 1], "labeler": "ada"},
]


def test_pairs_as_messages_come_back_and_are_a_form_of_their_own(tmp_path):
    rows = to_messages(RANKINGS)
    assert len(rows) == 4 and rows[3] == {
        "prompt": [{"role": "user", "content": "a dog"}],
        "chosen": [{"role": "assistant", "content": "cat"}],
        "rejected": [{"role": "assistant", "content": "sat."}],
    }
    assert own_rankings(rows) == own_rankings(to_pairs(RANKINGS))
    save_as("messages", RANKINGS, tmp_path / "pairs.jsonl")
    assert [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()] == rows


@pytest.fixture
def trl_step(models, tmp_path, monkeypatch):
    """One step of a trainer of TRL on our rankings, exported in a form: the trainer, after it."""
    trl = pytest.importorskip("trl", reason="TRL is not installed here (pip install -e '.[bench]')")
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def run(kind: str, form: str):
        save_as(form, RANKINGS, tmp_path / "pairs.jsonl")
        data = load_dataset(
            "json", data_files=str(tmp_path / "pairs.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
        )
        rewards = kind == "Reward"
        source = models["random-reward" if rewards else "random-policy"]
        model = (AutoModelForSequenceClassification if rewards else AutoModelForCausalLM).from_pretrained(
            source
        )
        args = getattr(trl, f"{kind}Config")(
            output_dir=str(tmp_path / "trl"),
            max_steps=1,
            per_device_train_batch_size=4,
            learning_rate=0.1,
            use_cpu=True,
            bf16=False,
            report_to=[],
            save_strategy="no",
        )
        trainer = getattr(trl, f"{kind}Trainer")(
            model=model, args=args, train_dataset=data, processing_class=AutoTokenizer.from_pretrained(source)
        )
        before = trainer.model.transformer.wte.weight.clone()
        trainer.train()
        assert not torch.equal(before, trainer.model.transformer.wte.weight)
        return trainer

    return run


@pytest.mark.parametrize("form", ["pairs", "messages"])
@pytest.mark.parametrize("kind", ["Reward", "DPO"])
def test_trl_learns_from_our_rankings(kind, form, trl_step):
    assert trl_step(kind, form).state.global_step == 1


def test_as_messages_trl_reads_exactly_what_our_reward_model_reads(trl_step, models):
    rows = trl_step("Reward", "messages").train_dataset
    tokenizer, pairs = load_tokenizer(models["random-reward"]), to_pairs(RANKINGS)
    for side in ("chosen", "rejected"):
        ours, _ = exchange_rows(
            tokenizer, [pair["prompt"] for pair in pairs], [pair[side] for pair in pairs], 64
        )
        assert [list(row) for row in rows[f"{side}_ids"]] == ours
