"""Policies, scalar models, precision and the average of weights, on a GPT-2 of 32 numbers and 2 layers."""

import copy
import json
import time
from types import SimpleNamespace

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
)

from rlhf_lite.hardware import precision
from rlhf_lite.models import losses
from rlhf_lite.models.checkpoints import (
    fit_to_tokenizer,
    load_policy,
    load_scalar_model,
    new_policy,
    new_scalar_model,
    place,
    save_model,
)
from rlhf_lite.models.ema import EMA
from rlhf_lite.models.heads import (
    evaluating,
    logits_where,
    policy_logits,
    response_logprobs,
    reward,
    shift_scores,
    token_values,
)
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import build_tokenizer, encode_exchanges, encode_prompts, load_tokenizer

SHAPE = SimpleNamespace(width=32, layers=2, heads=2, n_positions=64)
FOREIGN = dict(vocab_size=260, n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0)
PROMPTS, RESPONSES = ["the cat", "a dog sat on the mat", "the"], ["sat on a mat.", "dog", "the cat sat!"]


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer("the cat a dog sat on mat . ! ?".split())


@pytest.fixture(scope="module")
def policy(tokenizer):
    return new_policy(SHAPE, tokenizer)


@pytest.fixture(scope="module")
def scalar(policy):
    return new_scalar_model(policy)


@pytest.fixture
def exchange(tokenizer):
    return encode_exchanges(tokenizer, PROMPTS, RESPONSES, 64)


def pad_left(ids, mask, width, pad):
    """Move each row's padding to the left and add `width` columns of it."""
    out, out_mask = (
        ids.new_full((len(ids), ids.shape[1] + width), pad),
        mask.new_zeros(len(ids), ids.shape[1] + width),
    )
    for i, length in enumerate(mask.sum(1)):
        out[i, -length:], out_mask[i, -length:] = ids[i, :length], 1
    return out, out_mask


def equal_weights(a, b):
    return all(torch.equal(weight, b.state_dict()[name]) for name, weight in a.state_dict().items())


# --- Make ---------------------------------------------------------------------------------------------------


def test_new_policy_has_our_settings_and_depends_on_its_seed_only(policy, tokenizer):
    config = policy.config
    assert (config.eos_token_id, config.pad_token_id, config.vocab_size) == (0, 1, len(tokenizer))
    assert config.activation_function == "gelu" and config._attn_implementation == "eager"
    assert config.resid_pdrop == config.embd_pdrop == config.attn_pdrop == 0.0 and not policy.training
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert equal_weights(new_policy(SHAPE, tokenizer), policy)
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's dice were touched
    assert not equal_weights(new_policy(SHAPE, tokenizer, seed=1), policy)


def test_scalar_model_has_the_policys_layers_and_a_new_head(policy, scalar):
    assert equal_weights(scalar.transformer, policy.transformer)
    assert scalar.transformer.wte.weight is not policy.transformer.wte.weight
    wide = new_scalar_model(
        new_policy(SimpleNamespace(width=4096, layers=0, heads=1, n_positions=2), build_tokenizer([]))
    )
    assert wide.score.weight.std().item() == pytest.approx(4097**-0.5, rel=0.05)
    assert policy.config.num_labels == 2  # GPT2Config's default: the policy's config was not changed


# --- Call ---------------------------------------------------------------------------------------------------


def test_logits_do_not_depend_on_padding_on_either_side(policy, exchange):
    logits = policy_logits(policy, exchange.ids, exchange.mask)
    left, left_mask = pad_left(exchange.ids, exchange.mask, 5, pad=1)
    moved = policy_logits(policy, left, left_mask)
    torch.testing.assert_close(moved[left_mask == 1], logits[exchange.mask == 1])
    garbage = exchange.ids.where(exchange.mask == 1, 7)
    torch.testing.assert_close(policy_logits(policy, garbage, exchange.mask)[0, :3], logits[0, :3])
    for i, length in enumerate(exchange.mask.sum(1)):
        alone = policy(input_ids=exchange.ids[i : i + 1, :length]).logits
        torch.testing.assert_close(logits[i, :length], alone[0])


def test_response_logprobs_are_read_one_place_before_their_token(policy, tokenizer):
    prompts = encode_prompts(tokenizer, PROMPTS, 64)
    tokens, mask = (
        torch.tensor([[260, 0, 1], [261, 262, 263], [259, 258, 0]]),
        torch.tensor([[1, 1, 0], [1] * 3, [1] * 3]),
    )
    logprobs = response_logprobs(policy, prompts, tokens, mask, temperature=0.7)
    for i, n in enumerate(mask.sum(1)):
        row = torch.cat([prompts.ids[i][prompts.mask[i] == 1], tokens[i, :n]])[None]
        every = (policy(input_ids=row).logits[0] / 0.7).log_softmax(-1)
        by_hand = [every[row.shape[1] - n + t - 1, tokens[i, t]] for t in range(n)]
        torch.testing.assert_close(logprobs[i, :n], torch.stack(by_hand))


def test_reward_equals_transformers_own_forward(scalar, exchange):
    own = scalar(input_ids=exchange.ids, attention_mask=exchange.mask).logits[:, 0]
    torch.testing.assert_close(reward(scalar, exchange.ids, exchange.mask), own)
    values = token_values(scalar, exchange.ids, exchange.mask)
    torch.testing.assert_close(values[torch.arange(3), exchange.last], own)


def test_reward_reads_the_last_real_token_only_and_ignores_padding(scalar, exchange):
    scores = reward(scalar, exchange.ids, exchange.mask)
    right = (
        torch.nn.functional.pad(exchange.ids, (0, 6), value=9),
        torch.nn.functional.pad(exchange.mask, (0, 6)),
    )
    for ids, mask in (right, pad_left(exchange.ids, exchange.mask, 6, pad=1)):
        torch.testing.assert_close(reward(scalar, ids, mask), scores)
    ids = exchange.ids.clone()
    ids[torch.arange(3), exchange.last] = 260
    assert (reward(scalar, ids, exchange.mask) != scores).all()
    (gradient,) = torch.autograd.grad(scores.sum(), scalar.score.weight)
    states = scalar.transformer(input_ids=exchange.ids, attention_mask=exchange.mask).last_hidden_state
    torch.testing.assert_close(gradient[0], states[torch.arange(3), exchange.last].sum(0))


def test_float64_models_stay_float64(policy, exchange):
    double = new_scalar_model(policy).double()
    assert reward(double, exchange.ids, exchange.mask).dtype == torch.float64


def test_shift_scores_is_exact_and_survives_saving(policy, exchange, tmp_path):
    model = new_scalar_model(policy, seed=3)
    before, values = reward(model, *exchange[:2]), token_values(model, *exchange[:2])
    shift_scores(model, -1.75)
    torch.testing.assert_close(reward(model, *exchange[:2]), before - 1.75, atol=2e-6, rtol=0)
    real = exchange.mask.bool()
    torch.testing.assert_close(
        token_values(model, *exchange[:2])[real], values[real] - 1.75, atol=2e-6, rtol=0
    )
    save_model(model, tmp_path)
    auto = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    own = auto(input_ids=exchange.ids, attention_mask=exchange.mask).logits[:, 0]
    torch.testing.assert_close(own, before - 1.75, atol=1e-5, rtol=0)
    loaded = load_scalar_model(tmp_path)
    torch.testing.assert_close(reward(loaded, *exchange[:2]), reward(model, *exchange[:2]))
    torch.nn.init.zeros_(model.score.weight)
    with pytest.raises(ValueError, match="zeros"):
        shift_scores(model, 1.0)


def test_demonstrations_can_be_centred_on_zero_even_in_bfloat16_files(policy, exchange, tmp_path):
    model = new_scalar_model(policy, seed=3)
    for _ in range(2):
        shift_scores(model, 40.0)
    shift_scores(model, -reward(model, *exchange[:2]).mean().item())
    assert reward(model, *exchange[:2]).mean().abs() < 1e-5
    save_model(model, tmp_path, dtype=torch.bfloat16)
    assert reward(load_scalar_model(tmp_path), *exchange[:2]).mean().abs() < 0.02


def test_evaluating_restores_the_mode(policy):
    for mode in (True, False):
        policy.train(mode)
        with evaluating(policy):
            assert not policy.training
        assert policy.training is mode


# --- Save and load ------------------------------------------------------------------------------------------


def test_saving_and_loading_changes_nothing(policy, scalar, tokenizer, tmp_path):
    save_model(policy, tmp_path / "policy", tokenizer=tokenizer)
    save_model(scalar, tmp_path / "scalar")
    assert equal_weights(load_policy(tmp_path / "policy"), policy)
    assert equal_weights(load_scalar_model(tmp_path / "scalar"), scalar)
    assert equal_weights(AutoModelForCausalLM.from_pretrained(tmp_path / "policy"), policy)
    assert load_tokenizer(tmp_path / "policy").get_vocab() == tokenizer.get_vocab()
    names = {file.name for file in (tmp_path / "policy").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not any(name.startswith(".") or name.endswith(".bin") for name in names)  # no temporary, no pickle
    save_model(scalar, tmp_path / "scalar")  # over an existing one
    assert equal_weights(load_scalar_model(tmp_path / "scalar"), scalar)


def test_bfloat16_files_are_half_as_large_and_load_as_float32(policy, exchange, tmp_path):
    save_model(policy, tmp_path / "half", dtype=torch.bfloat16)
    save_model(policy, tmp_path / "full")
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("half", "full")]
    assert sizes[0] < 0.6 * sizes[1]
    assert sizes[1] < 5 * sum(p.numel() for p in policy.parameters())  # tied weights are saved once
    loaded = load_policy(tmp_path / "half")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded.transformer.wte.weight, policy.transformer.wte.weight.bfloat16().float())
    save_model(loaded, tmp_path / "again", dtype=torch.bfloat16)
    assert equal_weights(load_policy(tmp_path / "again"), loaded)  # rounding happens once


def test_any_gpt2_checkpoint_loads_and_gets_our_settings(exchange, tokenizer, tmp_path):
    config = GPT2Config(**FOREIGN)
    torch.manual_seed(0)
    foreign = GPT2LMHeadModel(config).eval()
    assert config.activation_function == "gelu_new"
    foreign.bfloat16().save_pretrained(tmp_path / "lm")
    foreign.float().transformer.save_pretrained(tmp_path / "layers")  # stored like the hub's gpt2
    for name in ("lm", "layers"):
        loaded = load_policy(tmp_path / name)
        assert (loaded.config.activation_function, loaded.config.attn_pdrop) == ("gelu_pytorch_tanh", 0.0)
        assert loaded.dtype == torch.float32 and not loaded.training
        ids = exchange.ids.clamp(max=259)
        theirs = foreign(input_ids=ids, attention_mask=exchange.mask).logits
        torch.testing.assert_close(
            policy_logits(loaded, ids, exchange.mask)[exchange.mask == 1], theirs[exchange.mask == 1]
        )
    assert isinstance(foreign.transformer, GPT2Model)
    with pytest.raises(ValueError, match="load_policy"):
        new_scalar_model(load_policy(tmp_path / "layers"))


# What else each field of transformers' own GPT2Config may be; those of no consequence for logits are below.
OTHERWISE = {
    "vocab_size": 300,
    "n_positions": 80,
    "n_embd": 24,
    "n_layer": 3,
    "n_head": 2,
    "n_inner": 40,
    "activation_function": ["relu", "silu", "gelu", "gelu_new", "quick_gelu", "gelu_10", "tanh"],
    "resid_pdrop": 0.5,
    "embd_pdrop": 0.5,
    "attn_pdrop": 0.5,
    "layer_norm_epsilon": 0.1,
    "initializer_range": 0.3,
    "scale_attn_weights": False,
    "scale_attn_by_inverse_layer_idx": True,
    "reorder_and_upcast_attn": True,
    "add_cross_attention": True,
    "tie_word_embeddings": False,
    "use_cache": False,
    "bos_token_id": 3,
    "eos_token_id": 3,
    "pad_token_id": 4,
    "summary_type": "last",
    "summary_use_proj": False,
    "summary_activation": "tanh",
    "summary_proj_to_labels": False,
    "summary_first_dropout": 0.0,
    "output_attentions": True,
    "output_hidden_states": True,
    "return_dict": False,
    "chunk_size_feed_forward": 4,
    "problem_type": "regression",
    "dtype": "float16",
    "is_encoder_decoder": True,
}
REFUSED = {"add_cross_attention"}
AROUND = {"return_dict", "output_attentions", "dtype"}  # not of the function, but of how it is called
NAMES = {"transformers_version", "architectures", "_name_or_path", "model_type", "id2label", "label2id"}


def test_all_fields_of_a_gpt2_config_are_tried():
    known = set(GPT2Config().to_dict()) - NAMES
    assert known == set(OTHERWISE), "transformers has other fields now: say what they may be, and try them"


@pytest.mark.parametrize("field", OTHERWISE)
@pytest.mark.parametrize("plain", ["", "1"])
def test_each_field_of_a_gpt2_config_is_honoured_or_refused(field, plain, exchange, tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_PLAIN", plain)
    others = OTHERWISE[field]
    for value in others if isinstance(others, list) else [others]:
        torch.manual_seed(0)
        own = {} if field in AROUND else {field: value}
        foreign = GPT2LMHeadModel(GPT2Config(**FOREIGN | {"initializer_range": 0.2} | own)).eval()
        foreign.save_pretrained(tmp_path)
        path = tmp_path / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
        if field in REFUSED:
            with pytest.raises(ValueError, match=field):
                load_policy(tmp_path)
            continue
        loaded, ids = load_policy(tmp_path), exchange.ids.clamp(max=259)
        logits = foreign(input_ids=ids, attention_mask=exchange.mask).logits
        real = exchange.mask == 1
        torch.testing.assert_close(
            policy_logits(loaded, ids, exchange.mask)[real], logits[real], atol=1e-4, rtol=1e-3
        )
        save_model(loaded, tmp_path / "again")
        assert torch.equal(
            policy_logits(load_policy(tmp_path / "again"), ids, exchange.mask),
            policy_logits(loaded, ids, exchange.mask),
        )


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"activation_function": "prelu"}, "there is no activation_function 'prelu' here"),
        ({"activation_function": "nonsense"}, "there is no activation_function 'nonsense' here"),
        (
            {"quantization_config": {"load_in_4bit": True, "quant_method": "bitsandbytes"}},
            "quantization_config",
        ),
        ({"n_inner": 7}, "config and weights do not fit"),
    ],
)
def test_configs_that_are_no_plain_gpt2_are_refused(changes, said, tmp_path):
    GPT2LMHeadModel(GPT2Config(**FOREIGN)).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ValueError, match=said):
        load_policy(tmp_path)


@pytest.mark.parametrize("tied", [True, False])
def test_a_token_that_the_model_lacks_is_the_mean_of_the_others_wherever_it_is_read(
    tied, tokenizer, tmp_path
):
    GPT2LMHeadModel(GPT2Config(**FOREIGN, tie_word_embeddings=tied)).save_pretrained(tmp_path)
    bare, fitted = load_policy(tmp_path), load_policy(tmp_path, tokenizer)
    for name in ("transformer.wte", "lm_head"):
        old, new = bare.get_submodule(name).weight, fitted.get_submodule(name).weight
        torch.testing.assert_close(new[260:], old.mean(dim=0).expand(len(tokenizer) - 260, -1))


@pytest.mark.parametrize("plain", ["", "1"])
@pytest.mark.parametrize("padding", [1, 47, 120])
def test_rows_that_only_make_a_vocabulary_round_are_never_drawn(
    padding, plain, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setenv("RLHF_LITE_PLAIN", plain)
    padded = GPT2LMHeadModel(GPT2Config(**FOREIGN | {"vocab_size": len(tokenizer) + padding})).eval()
    padded.transformer.ln_f.bias.data += 1
    padded.transformer.wte.weight.data[len(tokenizer) :] += 1  # by far the likeliest
    padded.save_pretrained(tmp_path)
    policy, prompts = load_policy(tmp_path, tokenizer), encode_prompts(tokenizer, ["List animals."] * 4, 40)
    drawn = sample(policy, *prompts, 8, tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert int(drawn.tokens.max()) < len(tokenizer) == policy.config.vocab_size
    there = response_logprobs(policy, prompts, drawn.tokens, drawn.mask)
    torch.testing.assert_close(there, drawn.logprobs, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        theirs = padded(torch.arange(8)[None]).logits[0, :, : len(tokenizer)]
    torch.testing.assert_close(policy(torch.arange(8)[None]).logits[0], theirs)


def test_a_tokenizer_with_more_tokens_gets_rows_and_ids(exchange, tokenizer, tmp_path):
    GPT2LMHeadModel(GPT2Config(**FOREIGN)).save_pretrained(tmp_path)
    bare, fitted = load_policy(tmp_path), load_policy(tmp_path, tokenizer)
    rows = fitted.transformer.wte.weight
    assert len(rows) == len(tokenizer) == fitted.config.vocab_size and fitted.lm_head.weight is rows
    mean = bare.transformer.wte.weight.mean(dim=0)
    torch.testing.assert_close(rows[260:], mean.expand(len(tokenizer) - 260, -1))
    assert (fitted.config.pad_token_id, fitted.generation_config.pad_token_id) == (1, 1)
    assert new_scalar_model(fitted).config.pad_token_id == 1
    fit_to_tokenizer(fitted, tokenizer)  # again: nothing more to do
    assert len(fitted.transformer.wte.weight) == len(tokenizer)


def test_wrong_folders_fail_loudly(policy, scalar, tmp_path):
    save_model(policy, tmp_path / "policy")
    save_model(scalar, tmp_path / "scalar")
    with pytest.raises(ValueError, match="score.weight"):
        load_scalar_model(tmp_path / "policy")  # never a fresh random reward model
    with pytest.raises(ValueError, match="score.weight"):
        load_policy(tmp_path / "scalar")
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_policy(tmp_path / "nowhere")
    BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(ValueError, match="'bert'"):
        load_policy(tmp_path / "bert")
    for name, said in {
        "adapter_config.json": "a LoRA adapter and no model; merge it into its base first",
        "dataset_dict.json": "a data set and no model",
        "x.txt": "no model; give a folder with one",
    }.items():
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text("{}")
        with pytest.raises(ValueError, match=f"{folder.name} holds {said}"):
            load_policy(folder)


CODE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
Config = Model = Tokenizer = None
"""


def test_code_that_comes_with_a_model_never_runs_and_nobody_is_asked(
    policy, tokenizer, tmp_path, monkeypatch
):
    save_model(policy, tmp_path, tokenizer=tokenizer)
    monkeypatch.setattr("builtins.input", lambda *a: pytest.fail("somebody was asked"))
    own = {
        "AutoConfig": "own.Config",
        "AutoModelForCausalLM": "own.Model",
        "AutoTokenizer": ["own.Tokenizer", None],
    }
    (tmp_path / "own.py").write_text(CODE)
    for name in ("config.json", "tokenizer_config.json"):
        described = json.loads((tmp_path / name).read_text())
        (tmp_path / name).write_text(json.dumps({**described, "auto_map": own}))
    loaded = load_policy(tmp_path, load_tokenizer(tmp_path))
    assert equal_weights(loaded, policy) and not (tmp_path / "ran").exists()
    described = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**described, "model_type": "my-own"}))
    with pytest.raises(ValueError, match="custom code|my-own"):
        load_policy(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("load", [load_policy, load_tokenizer])
def test_a_name_on_the_hub_without_a_network_is_one_line_within_two_seconds(load, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    begin = time.monotonic()
    with pytest.raises(
        FileNotFoundError, match="'distilgpt2' is no folder and not stored on this machine"
    ) as error:
        load("distilgpt2")
    assert time.monotonic() - begin < 2 and "\n" not in str(error.value)


def test_loading_is_silent(policy, tmp_path, capfd):
    save_model(policy, tmp_path)
    load_policy(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_attention_follows_the_device(policy):
    assert place(policy, "cpu").config._attn_implementation == "eager"


# --- Precision ----------------------------------------------------------------------------------------------


def test_precision_is_measured_once_and_can_be_forced(monkeypatch):
    monkeypatch.delenv(precision.ENV, raising=False)
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    measured = precision.self_test("cpu")
    assert measured is precision.self_test("cpu") and precision.choose_dtype("cpu") == measured.dtype
    assert measured.fp32_ms > 0 and measured.error < 0.1
    x = torch.ones(2, 2)
    for wish, dtype in (*precision.NAMES.items(), ("auto", measured.dtype)):
        monkeypatch.setenv(precision.ENV, wish)
        with precision.autocast("cpu"):
            assert (x @ x).dtype == dtype == precision.choose_dtype("cpu")
    monkeypatch.setenv(precision.ENV, "fp8")
    with pytest.raises(ValueError, match="'fp8'.*fp32, bf16, fp16 or auto"), precision.autocast("cpu"):
        pass


@pytest.mark.parametrize("half", ["bf16", "fp16"])
def test_log_probabilities_in_half_precision_are_close_and_float32(policy, exchange, monkeypatch, half):
    monkeypatch.setenv(precision.ENV, half)
    with precision.autocast("cpu"), torch.no_grad():
        rounded = losses.token_logprobs(policy_logits(policy, *exchange[:2]), exchange.ids)
    exact = losses.token_logprobs(policy_logits(policy, *exchange[:2]), exchange.ids)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, atol=0.02, rtol=0)


# --- EMA ----------------------------------------------------------------------------------------------------


def test_ema_by_hand_and_through_a_checkpoint():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    ema = EMA(model, decay=0.9)
    for value in (2.0, 3.0):
        torch.nn.init.constant_(model.weight, value)
        ema.update(model)
    assert ema.average["weight"].item() == pytest.approx(0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 3)
    other = EMA(model, decay=0.9)
    other.load_state_dict(ema.state_dict())
    other.copy_to(model)
    assert model.weight.item() == pytest.approx(1.29) and model.weight.requires_grad
    with pytest.raises(ValueError, match="bias"):
        ema.load_state_dict(EMA(torch.nn.Linear(1, 1)).state_dict())
    with pytest.raises(ValueError, match="1.5"):
        EMA(model, decay=1.5)


def test_logits_where_are_the_logits_of_those_tokens_and_gradients_agree(policy, tokenizer):
    ids = torch.randint(2, len(tokenizer), (3, 9))
    mask, where = torch.ones_like(ids), torch.rand(3, 9) > 0.6
    everywhere = policy_logits(policy, ids, mask)[where]
    there = logits_where(policy, ids, mask, where)
    assert there.shape == everywhere.shape
    torch.testing.assert_close(there, everywhere)
    gradients = [
        torch.autograd.grad(x.square().sum(), policy.transformer.wte.weight)[0] for x in (there, everywhere)
    ]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_a_tokenizer_of_another_model_is_refused(policy):
    other = build_tokenizer([f"w{i}" for i in range(2000)])
    with pytest.raises(
        ValueError,
        match=r"the tokenizer has 2,\d\d\d tokens, the model knows \d+: they do not belong together",
    ):
        fit_to_tokenizer(copy.deepcopy(policy), other)
    small = GPT2LMHeadModel(GPT2Config(**FOREIGN | {"vocab_size": len(other)}))
    with pytest.raises(ValueError, match=r"the tokenizer has 1?\d\d\d tokens, the model knows 2,"):
        fit_to_tokenizer(small, build_tokenizer(["a"]))
