"""Sampling: the right distribution, the right log-probabilities, rows that end at different times."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.hardware import precision
from rlhf_lite.hardware.graphs import Graphed
from rlhf_lite.models import losses, packed_rows, sampling
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.heads import policy_logits, response_logprobs, reward
from rlhf_lite.models.sampling import sample, sample_texts
from rlhf_lite.models.tokens import PromptError, build_tokenizer, decode, encode, encode_prompts

EOS_ID, PAD_ID = 0, 1
PROMPTS = ["the cat", "a dog sat on the mat", "the", "sat on", "a", "mat mat mat mat mat mat mat mat"] * 3


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer("the cat a dog sat on mat . ! ?".split())


@pytest.fixture(scope="module")
def policy(tokenizer):
    """Random, but about one token in five is EOS, so that rows end at different times."""
    policy = new_policy(SimpleNamespace(width=32, layers=2, heads=2, n_positions=32), tokenizer)
    with torch.no_grad():
        policy.transformer.wte.weight.mul_(10)
        eos = policy.transformer.wte.weight[EOS_ID]
        policy.transformer.ln_f.bias.add_(eos * 3.0 / eos.dot(eos))
    return policy


@pytest.fixture
def prompts(tokenizer):
    return encode_prompts(tokenizer, PROMPTS, 32)


def draw(policy, prompts, n=12, **kwargs):
    return sample(policy, *prompts, n, EOS_ID, PAD_ID, **{"generator": seeded(), **kwargs})


def test_mask_is_1_up_to_and_including_eos_and_the_rest_is_pad(policy, prompts):
    samples = draw(policy, prompts)
    lengths = samples.mask.sum(1)
    assert lengths.min() < lengths.max() == samples.tokens.shape[1]  # rows end at different times
    for tokens, logprobs, mask, n in zip(*samples, lengths, strict=True):
        assert mask.tolist() == [1] * n + [0] * (len(mask) - n)
        assert EOS_ID not in tokens[: n - 1] and (tokens[n - 1] == EOS_ID or n == 12)
        assert (tokens[n:] == PAD_ID).all() and not logprobs[n:].any() and (logprobs[:n] < 0).all()


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.6, torch.linspace(0.4, 1.6, len(PROMPTS))])
def test_logprobs_equal_a_full_forward(policy, prompts, temperature, greedy):
    samples = draw(policy, prompts, temperature=temperature, greedy=greedy)
    each = torch.as_tensor(temperature).expand(len(PROMPTS))[:, None]  # (B, 1)
    full = response_logprobs(policy, prompts, samples.tokens, samples.mask, each)
    torch.testing.assert_close(samples.logprobs, losses.keep_real(full, samples.mask), atol=1e-5, rtol=0)


@pytest.mark.parametrize("greedy", [False, True])
def test_dropping_finished_rows_changes_nothing(policy, prompts, greedy, monkeypatch):
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    sizes, samples, widths, real = [], [], [], packed_rows.read_packed
    monkeypatch.setattr(
        packed_rows,
        "read_packed",
        lambda model, batch, *a, **k: widths.append(len(batch.ids)) or real(model, batch, *a, **k),
    )
    for threshold in (0.0, 0.7, 1.0):
        monkeypatch.setattr(packed_rows, "DROP_BELOW", threshold)
        widths.clear()
        samples.append(draw(policy, prompts, greedy=greedy))
        sizes.append(sum(widths))
    if not greedy:
        assert sizes[0] > sizes[1] >= sizes[2]  # work was saved
    for other in samples[1:]:
        assert torch.equal(other.tokens, samples[0].tokens) and torch.equal(other.mask, samples[0].mask)
        torch.testing.assert_close(other.logprobs, samples[0].logprobs, atol=1e-5, rtol=0)


class Rehearsed(Graphed):
    """What a GPU does with a step, without one: done once, undone, and done for good."""

    def _capture(self, step):
        before = [x.clone() for x in self.state]
        step()
        assert any((x != old).any() for x, old in zip(self.state, before, strict=True))
        self._rewind(before)
        self.graph = SimpleNamespace(replay=step)


@pytest.mark.parametrize("greedy", [False, True])
def test_steps_that_a_graph_could_replay_draw_the_same(policy, prompts, greedy, monkeypatch):
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    expected, many = draw(policy, prompts, greedy=greedy), []
    monkeypatch.setattr(packed_rows, "has_graphs", lambda device: True)
    monkeypatch.setattr(packed_rows, "ASK_EVERY", 2)
    monkeypatch.setattr(packed_rows, "DROP_GRAPH_BELOW", 0.9)
    monkeypatch.setattr(packed_rows, "Graphed", lambda *a: many.append(Rehearsed(*a)) or many[-1])
    found = draw(policy, prompts, greedy=greedy)
    assert torch.equal(found.tokens, expected.tokens) and torch.equal(found.mask, expected.mask)
    torch.testing.assert_close(found.logprobs, expected.logprobs, atol=1e-5, rtol=0)
    assert greedy or len(many) > 1  # rows left, and a step was captured again


@pytest.mark.parametrize("vocabulary", [4, 300, 50257])
def test_a_draw_in_two_levels_is_the_draw(vocabulary):
    draw = torch.Generator().manual_seed(0)
    logp = (3 * torch.randn(40, vocabulary, generator=draw)).log_softmax(dim=-1)
    logp[:, 1] = -math.inf
    uniform = torch.rand(40, dtype=torch.float64, generator=draw)
    uniform[:2] = torch.tensor([0.0, 1 - 2**-53])
    found = packed_rows.draw_in_two_levels(logp, uniform)
    assert torch.equal(found, sampling.draw_tokens(logp, uniform)) and not (found == 1).any()


@pytest.mark.parametrize("copies", [(3,) * 6, (1, 1, 19, 1, 2, 1)])
def test_reading_equal_prompts_once_changes_nothing(policy, prompts, copies, monkeypatch):
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    prompts = [x[:6].repeat_interleave(torch.tensor(copies), dim=0) for x in prompts]
    read, real = [], packed_rows.pack
    monkeypatch.setattr(
        packed_rows, "pack", lambda ids, *rest, **kw: read.append(len(ids)) or real(ids, *rest, **kw)
    )
    once = draw(policy, prompts)
    monkeypatch.setattr(packed_rows, "_repeats", lambda ids: None)
    each = draw(policy, prompts)
    assert (
        read[0] < sum(copies) and len(set(map(tuple, once.tokens.tolist()))) > 6
    )  # and yet the answers differ
    assert torch.equal(once.tokens, each.tokens) and torch.equal(once.mask, each.mask)
    torch.testing.assert_close(once.logprobs, each.logprobs, atol=1e-5, rtol=0)


def test_greedy_takes_the_likeliest_token_of_a_model_without_cache(policy, tokenizer):
    for text in PROMPTS[:6]:
        prompt = encode_prompts(tokenizer, [text], 32)
        ids = prompt.ids
        for _ in range(8):
            token = policy(input_ids=ids).logits[:, -1].argmax(-1, keepdim=True)
            ids = torch.cat([ids, token], dim=1)
            if token.item() == EOS_ID:
                break
        tokens = draw(policy, prompt, 8, greedy=True, temperature=0.5).tokens
        assert tokens[0].tolist() == ids[0, prompt.ids.shape[1] :].tolist()


def test_a_row_alone_and_in_a_padded_batch_is_the_same_under_greedy(policy, tokenizer, prompts):
    batch = decode(tokenizer, draw(policy, prompts, greedy=True).tokens)
    for text, expected in list(zip(PROMPTS, batch, strict=True))[:6]:
        alone = draw(policy, encode_prompts(tokenizer, [text], 32), greedy=True).tokens
        assert decode(tokenizer, alone) == [expected]


def test_frequencies_are_the_models_probabilities(policy, tokenizer):
    n, prompt = 4000, encode_prompts(tokenizer, ["the cat"], 32)
    probabilities = (policy_logits(policy, *prompt)[0, -1].detach() / 1.5).softmax(-1)
    many = prompt.ids.expand(n, -1), prompt.mask.expand(n, -1)
    tokens = draw(policy, many, 1, temperature=1.5).tokens[:, 0]
    counts = torch.bincount(tokens, minlength=len(probabilities))
    error = (counts - n * probabilities) / (n * probabilities * (1 - probabilities)).sqrt()
    assert error.abs().max() < 5 and error.square().mean().item() == pytest.approx(1.0, abs=0.3)


def test_draw_is_the_inverse_of_the_cumulated_probabilities():
    logp = torch.tensor([[0.25, 0.0, 0.5, 0.25]]).log().expand(6, -1)
    uniform = torch.tensor([0.0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2**-53], dtype=torch.float64)
    assert sampling.draw_tokens(logp, uniform).tolist() == [0, 0, 2, 2, 3, 3]  # never one of probability 0


def test_drawing_a_few_rows_at_a_time_changes_nothing(monkeypatch):
    logp, uniform = torch.randn(7, 50).log_softmax(dim=-1), torch.rand(7, dtype=torch.float64)
    at_once = sampling.draw_tokens(logp, uniform)
    monkeypatch.setattr(sampling, "DRAWN_AT_ONCE", 100)
    assert torch.equal(sampling.draw_tokens(logp, uniform), at_once)


def test_the_generator_decides_everything(policy, prompts):
    first, again, other = (
        draw(policy, prompts),
        draw(policy, prompts),
        draw(policy, prompts, generator=seeded(1)),
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.tokens[:, 0], other.tokens[:, 0])
    torch.manual_seed(3)
    state = torch.get_rng_state()
    draw(policy, prompts)
    assert torch.equal(torch.get_rng_state(), state)


def test_nothing_is_written_past_n_positions(policy, tokenizer):
    prompts = encode_prompts(tokenizer, ["the", " ".join(["mat"] * 28)], 32)
    policy = copy.deepcopy(policy)
    with torch.no_grad():
        policy.transformer.ln_f.bias.mul_(-1)  # never EOS
    samples = draw(policy, prompts, 40)
    assert samples.mask.sum(1).tolist() == [32 - 2, 32 - 29]  # each row has its own room
    full = response_logprobs(policy, prompts, samples.tokens, samples.mask)
    torch.testing.assert_close(samples.logprobs, losses.keep_real(full, samples.mask), atol=1e-5, rtol=0)
    with pytest.raises(PromptError, match="32 tokens fills the model, which reads 32"):
        draw(policy, encode_prompts(tokenizer, [" ".join(["mat"] * 31)], 32), 4)


def test_bad_requests_say_what_to_do(policy, prompts):
    with pytest.raises(ValueError, match="temperature is 0.*greedy"):
        draw(policy, prompts, temperature=0)
    with pytest.raises(ValueError, match="temperature is -1"):
        draw(policy, prompts, temperature=torch.linspace(-1, 1, len(PROMPTS)))
    with pytest.raises(ValueError, match="0 new tokens"):
        draw(policy, prompts, 0)


def test_samples_can_be_trained_on_and_the_ratio_starts_at_1(policy, tokenizer, prompts):
    model = new_policy(SimpleNamespace(width=32, layers=2, heads=2, n_positions=32), tokenizer, seed=2)
    model.train()
    samples = draw(model, prompts)
    assert model.training and not any(x.is_inference() or x.requires_grad for x in samples)
    advantages = losses.whiten(torch.randn(samples.mask.shape, generator=seeded()), samples.mask)
    ratios = []
    for _ in range(2):
        logprobs = response_logprobs(model, prompts, samples.tokens, samples.mask)
        loss, stats = losses.policy_loss(logprobs, samples.logprobs, advantages, samples.mask)
        ratios.append((logprobs.detach() - samples.logprobs)[samples.mask == 1].exp())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p.sub_(p.grad)
    torch.testing.assert_close(ratios[0], torch.ones_like(ratios[0]), atol=1e-5, rtol=0)
    assert (ratios[1] - 1).abs().max() > 1e-3


def test_rewards_of_samples_are_read_at_eos_or_at_the_last_token(policy, prompts):
    scalar, samples = new_scalar_model(policy), draw(policy, prompts)
    ids, mask = torch.cat([prompts.ids, samples.tokens], 1), torch.cat([prompts.mask, samples.mask], 1)
    scores = reward(scalar, ids, mask)
    for i in range(len(ids)):
        real = ids[i][mask[i] == 1][None]
        torch.testing.assert_close(scores[i], scalar(input_ids=real).logits[0, 0])


def test_each_prompt_can_have_a_temperature_of_its_own(policy, tokenizer):
    """Whatever the batches: nearly 0 is greedy, the others differ from it somewhere."""
    prompts, warm = PROMPTS[:6] * 8, [1e-4, 1.5] * 24
    greedy = sample_texts(policy, tokenizer, prompts, 8, greedy=True)
    for batch_size in (5, 512):
        texts = sample_texts(policy, tokenizer, prompts, 8, warm, generator=seeded(), batch_size=batch_size)
        assert texts[::2] == greedy[::2] and texts[1::2] != greedy[1::2]


def test_sample_texts_keeps_the_order_whatever_the_batch_size(policy, tokenizer, monkeypatch):
    monkeypatch.setenv(precision.ENV, "fp32")
    texts = sample_texts(policy, tokenizer, PROMPTS, 10, greedy=True)
    assert texts == sample_texts(policy, tokenizer, PROMPTS, 10, greedy=True, batch_size=4)
    for prompt, text in zip(PROMPTS[:6], texts, strict=False):
        one = draw(policy, encode_prompts(tokenizer, [prompt], 32), 10, greedy=True)
        assert text == decode(tokenizer, one.tokens[0])
    assert sample_texts(policy, tokenizer, []) == []
    random = [sample_texts(policy, tokenizer, PROMPTS, 10, generator=seeded(s)) for s in (0, 0, 1)]
    assert random[0] == random[1] != random[2] and len(encode(tokenizer, random[0][0])) <= 80
