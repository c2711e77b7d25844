"""Text to ids and back, the template of an exchange, padding on either side, prompts typed by people."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AddedToken, AutoTokenizer, GPT2Tokenizer

from rlhf_lite.models.prompts import check_prompt, unknown_words
from rlhf_lite.models.tokens import (
    END_OF_PROMPT,
    EOS,
    IGNORED,
    PAD,
    PromptError,
    build_tokenizer,
    decode,
    encode,
    encode_exchanges,
    encode_prompts,
    exchange_rows,
    load_tokenizer,
    position_ids,
    save_tokenizer,
)

WORDS = "The the cat sat on a mat Name an animal dog . , : ? ! 12 don't".split()
GPT2_FILES = Path(__file__).parents[2] / "shared/data/gpt2-tokenizer"
TEXTS = [
    "The cat sat on the mat.",
    "Name an animal:\nthe dog\n\nthe cat\n",
    "  two  spaces,\ttab \n and\r\n lines ",
    "caf\u00e9 \u732b \U0001f600 zebra 1234 (cat) don't",
    "",
    "\n",
    " ",
    f"say {EOS} and {PAD} now",
]


@pytest.fixture(scope="module")
def ours():
    return build_tokenizer(WORDS)


def miniature_gpt2(folder):
    """GPT-2's own format with a handful of merges, so that no download is needed."""
    letters = build_tokenizer([]).get_vocab()
    vocabulary = {token: i for i, token in enumerate(sorted(set(letters) - {EOS, PAD}))}
    merges = ["t h", "th e", "\u0120 the", "\u0120 c", "a t", "\u0120c at"]
    for merge in merges:
        vocabulary[merge.replace(" ", "")] = len(vocabulary)
    vocabulary[EOS] = len(vocabulary)
    tokenizer = GPT2Tokenizer(vocab=vocabulary, merges=[tuple(m.split()) for m in merges])
    tokenizer.save_pretrained(folder)
    return load_tokenizer(folder)


@pytest.fixture(scope="module", params=["ours", "miniature gpt2", "gpt2"])
def tokenizer(request, tmp_path_factory):
    if request.param == "gpt2":
        if not GPT2_FILES.is_dir():
            pytest.skip("GPT-2's vocabulary is not here")
        return load_tokenizer(GPT2_FILES)
    if request.param == "miniature gpt2":
        return miniature_gpt2(tmp_path_factory.mktemp("gpt2"))
    return build_tokenizer(WORDS)


# --- Any tokenizer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip(tokenizer, text):
    assert decode(tokenizer, encode(tokenizer, text)) == text


def test_special_tokens_are_two_and_cannot_be_typed(tokenizer):
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id} & set(range(len(tokenizer)))) == 2
    for special in (EOS, PAD):
        prompt = encode_prompts(tokenizer, [special], 99).ids[0].tolist()
        exchange = encode_exchanges(tokenizer, [special], [special], 99).ids[0].tolist()[:-1]  # less its EOS
        typed = encode(tokenizer, f"cat {special} cat") + prompt + exchange
        assert not {tokenizer.pad_token_id, tokenizer.eos_token_id} & set(typed)


def test_end_of_prompt_is_one_token(tokenizer):
    assert len(encode(tokenizer, END_OF_PROMPT)) == 1


def test_decode_drops_eos_and_pad_and_takes_batches(tokenizer):
    exchange = encode_exchanges(tokenizer, ["the cat", "the"], ["a dog", ""], 99)
    assert decode(tokenizer, exchange.ids) == ["the cat\na dog", "the\n"]
    assert decode(tokenizer, exchange.ids[0]) == "the cat\na dog"


def test_prompts_are_padded_on_the_left(tokenizer):
    ids, mask = encode_prompts(tokenizer, ["the", "the cat sat on"], 99)
    newline = encode(tokenizer, "\n")[0]
    assert (ids[:, -1] == newline).all() and mask[:, -1].all() and mask[1].all()
    real = len(encode(tokenizer, "the")) + 1
    assert mask[0].tolist() == [0] * (ids.shape[1] - real) + [1] * real
    assert (ids[mask == 0] == tokenizer.pad_token_id).all() and ids.dtype == mask.dtype == torch.long


def test_exchanges_have_labels_on_the_response_and_its_eos_only(tokenizer):
    prompts, responses = ["the cat sat", "the"], ["a dog", "on the mat the mat"]
    ids, mask, labels, last = encode_exchanges(tokenizer, prompts, responses, 99)
    for i, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        answer = encode(tokenizer, response) + [tokenizer.eos_token_id]
        question = encode(tokenizer, prompt) + encode(tokenizer, "\n")
        start = len(question)
        assert ids[i, : mask[i].sum()].tolist() == question + answer
        assert labels[i, start : start + len(answer)].tolist() == answer
        assert (labels[i, :start] == IGNORED).all() and (labels[i, start + len(answer) :] == IGNORED).all()
        assert ids[i, last[i]] == tokenizer.eos_token_id == labels[i, last[i]]
        assert (ids[i, last[i] + 1 :] == tokenizer.pad_token_id).all()


def test_a_prompt_given_several_times_is_the_same_each_time(tokenizer):
    prompts, responses = ["the cat", "the", "the cat"], ["a dog", "", "on"]
    rows, labels = exchange_rows(tokenizer, prompts, responses, 99)
    for i, pair in enumerate(zip(prompts, responses, strict=True)):
        assert (rows[i], labels[i]) == tuple(
            found[0] for found in exchange_rows(tokenizer, [pair[0]], [pair[1]], 99)
        )


def test_a_response_that_does_not_fit_loses_its_end_and_its_eos(tokenizer):
    whole = encode_exchanges(tokenizer, ["the"], ["cat sat on the mat"], 99)
    cut = encode_exchanges(tokenizer, ["the"], ["cat sat on the mat"], whole.ids.shape[1] - 1)
    assert cut.ids.tolist() == whole.ids[:, :-1].tolist() and tokenizer.eos_token_id not in cut.labels
    with pytest.raises(PromptError, match="prompt 0 .* tokens, the limit is 1"):
        encode_exchanges(tokenizer, ["the cat sat"], ["dog"], 2)


def test_lengths_must_fit(tokenizer):
    with pytest.raises(PromptError, match=r"prompt 1 \('the the the.* the limit is 5; shorten it by"):
        encode_prompts(tokenizer, ["the", "the " * 30], 5)
    with pytest.raises(ValueError):
        encode_exchanges(tokenizer, ["the"], [], 9)


def test_a_document_to_be_continued_has_no_newline(tokenizer):
    assert encode_prompts(tokenizer, ["the cat"], 9, end="").ids[0].tolist() == encode(tokenizer, "the cat")


def test_empty_batches(tokenizer):
    assert encode_prompts(tokenizer, [], 9).ids.shape == (0, 0)
    assert encode_exchanges(tokenizer, [], [], 9).labels.shape == (0, 0)


# --- Our word-level tokenizer -------------------------------------------------------------------------------


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_unicode_survives(text):
    assert decode(OURS, encode(OURS, text)) == text


@given(
    st.text(st.sampled_from("the cat\n .\u00e9"), max_size=20),
    st.text(st.sampled_from("a \nmat!"), max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_the_template_is_what_the_whole_text_would_be(prompt, response):
    parts = encode(OURS, prompt) + encode(OURS, "\n") + encode(OURS, response)
    assert parts == encode(OURS, prompt + "\n" + response)


OURS = build_tokenizer(WORDS)


def test_a_word_is_one_token_and_the_same_one_everywhere(ours):
    cat = ours.convert_tokens_to_ids("\u0120cat")
    assert encode(ours, "cat") == [cat]
    assert encode(ours, "the cat\ncat\n\ncat").count(cat) == 3
    assert ours.convert_ids_to_tokens(encode(ours, "don't 12.")) == ["\u0120don", "'", "t", "\u012012", "."]


def test_vocabulary_is_specials_bytes_words_without_doubles(ours):
    assert (ours.eos_token_id, ours.pad_token_id) == (0, 1)
    assert len(ours) == 2 + 256 + 13  # 11 words, "12" and "don" of don't; its "t" and the signs are bytes
    assert build_tokenizer(WORDS + WORDS).get_vocab() == ours.get_vocab()


def test_saved_folder_loads_with_auto_tokenizer(ours, tmp_path):
    ours.save_pretrained(tmp_path)
    for loaded in (AutoTokenizer.from_pretrained(tmp_path), load_tokenizer(tmp_path)):
        assert (loaded.eos_token_id, loaded.pad_token_id, len(loaded)) == (0, 1, len(ours))
        for text in TEXTS:
            assert encode(loaded, text) == encode(ours, text) and decode(loaded, encode(loaded, text)) == text


def test_unknown_words_are_named_once_in_order(ours, tokenizer):
    text = "The zebra sat on a caf\u00e9 - x: zebra, \U0001f600 34 cats? /dog"
    assert unknown_words(ours, text) == [
        "zebra",
        "caf\u00e9",
        "x",
        "\U0001f600",
        "34",
        "cats",
        "dog",
    ]  # "dog" as no space precedes it
    assert unknown_words(ours, "The cat sat.\n  the mat - 12!") == []
    if len(tokenizer) > 50_000:
        assert unknown_words(tokenizer, "The zebra sat on a caf\u00e9 - x: zebra, 34 cats? /dog") == []


# --- Loading, position_ids, typed prompts -------------------------------------------------------------------


def test_load_tokenizer_adds_a_pad_of_its_own_and_names_what_is_wrong(ours, tmp_path):
    ours.pad_token, before = ours.eos_token, ours.pad_token
    ours.save_pretrained(tmp_path / "pad_is_eos")
    ours.pad_token = before
    loaded = load_tokenizer(tmp_path / "pad_is_eos")
    assert loaded.pad_token_id not in (None, loaded.eos_token_id)
    for missing in (tmp_path / "nothing", "./nothing", "data/tiny/nothing"):
        with pytest.raises(FileNotFoundError, match="nothing"):
            load_tokenizer(missing)


def test_a_pad_that_is_a_word_stays_a_word(tmp_path):
    tokenizer = build_tokenizer("the cat !".split())
    tokenizer.add_special_tokens({"pad_token": AddedToken("!", special=True, normalized=False)})
    assert decode(tokenizer, encode(tokenizer, "the cat!")) == "the cat"  # as its maker has it
    tokenizer.save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert decode(loaded, encode(loaded, "the cat!")) == "the cat!" and "!" not in loaded.all_special_tokens
    assert (loaded.pad_token, loaded.eos_token, loaded.eos_token_id) == (PAD, EOS, 0)
    ids = encode_prompts(loaded, ["the cat!", "the"], 8).ids
    assert decode(loaded, ids) == ["the cat!\n", "the\n"]
    save_tokenizer(loaded, tmp_path / "again", 64)
    assert encode(load_tokenizer(tmp_path / "again"), "cat!") == encode(loaded, "cat!")


@pytest.mark.parametrize(
    "name", ["C:\\models\\gpt2", "C:/gpt2", "~nobody-at-all/gpt2", "~/no-such-folder/gpt2"]
)
def test_a_path_that_is_not_there_is_no_name_on_the_hub(name):
    with pytest.raises(FileNotFoundError, match="no folder '"):
        load_tokenizer(name)


def test_a_folder_without_a_tokenizer_says_what_it_is(ours, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, said in {
        "adapter_config.json": "holds a LoRA adapter and no tokenizer; merge it into its base first",
        "state.json": "holds a data set and no tokenizer",
        "x.txt": "holds no tokenizer; give a folder with one",
    }.items():
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text("{}")
        with pytest.raises(ValueError, match=said):
            load_tokenizer(f"~/{folder.name}")
    ours.save_pretrained(tmp_path / "ours")
    assert len(load_tokenizer("~/ours")) == len(ours)


def test_positions_count_real_tokens_only():
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert position_ids(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4], [0, 1, 1, 1, 1]]


def test_check_prompt(ours):
    checked = check_prompt(ours, "Name an animal", 10)
    assert checked.ids == encode_prompts(ours, ["Name an animal"], 10).ids[0].tolist() and checked.notes == []
    notes = check_prompt(ours, f"Name a zebra, quokka {EOS}", 60).notes
    assert "'zebra', 'quokka'" in notes[0] and EOS in notes[-1]
    for empty in ("", "  \n", None):
        with pytest.raises(PromptError, match="empty"):
            check_prompt(ours, empty, 10)
    with pytest.raises(PromptError, match="has half a character"):
        check_prompt(ours, "the cat \ud800", 10)
    with pytest.raises(PromptError, match="has 5 tokens, the limit is 4; shorten it by 1"):
        check_prompt(ours, "the cat sat on", 4)
