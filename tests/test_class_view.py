"""Thirty people rank into one folder at once; a teacher sees who agrees and what is learned from them."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest

from rlhf_lite import Chain, show
from rlhf_lite.labels.store import LabelStore, StoreError, open_store
from rlhf_lite.world.labelers import Labeler, label

PEOPLE = [f"student {number:02d}" for number in range(1, 31)]


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.fixture(scope="module")
def folder(chain, tmp_path_factory):
    """Everybody ranks the same four prompts at the same time; the last student likes what others do not."""
    place = tmp_path_factory.mktemp("class")
    rows = [row for row in chain.rankings["valid"] if len(row["completions"]) >= 6][:4]

    def rank(name):
        person = Labeler(name, noise=0.1, length_bias=0.03)
        for row in rows:
            ranked = label(person, row | {"text": row["prompt"]}, row["completions"])
            if name == PEOPLE[-1]:
                ranked["ranks"] = [1 + max(ranked["ranks"]) - rank for rank in ranked["ranks"]]
            open_store(place, name).put(ranked)

    with ThreadPoolExecutor(len(PEOPLE)) as threads:
        list(threads.map(rank, PEOPLE))
    return place


def test_a_class_of_thirty_on_one_folder_is_complete_and_the_odd_one_stands_last(folder):
    view = show.ClassView(folder)
    assert repr(view) == "30 people ranked answers to 4 prompts, 120 rankings"
    plot = view.agreement()
    names = [text.get_text() for text in plot.axes[0].get_yticklabels()]
    assert sorted(names) == PEOPLE and names[-1] == PEOPLE[-1]
    grid = plot.axes[0].images[0].get_array()
    assert grid.shape == (30, 30) and (grid[:5, :5].mean() > 75) and grid[-1].mean() < 40
    assert "<img" in view._repr_html_()


def test_what_they_quarrel_about_comes_with_its_votes(folder, chain):
    first, *others = show.ClassView(folder).divided()
    assert len(others) == 2 and "of 30" in first.html
    assert any(first.plain.startswith(f"prompt: {row['prompt'][:20]}") for row in chain.rankings["valid"])


def test_a_model_is_judged_on_prompts_it_has_not_seen(folder, chain):
    before = {name: value.clone() for name, value in chain.reward_model.state_dict().items()}
    model = copy.deepcopy(chain.reward_model)
    plot = show.ClassView(folder).learned(model, chain.tokenizer, chain.config.reward, folds=2, epochs=1)
    assert "trained on the class" in plot.alt and "two of the class" in plot.alt
    assert all(before[name].equal(value) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="4 ranked prompts are too few for 9 folds"):
        show.ClassView(folder).learned(model, chain.tokenizer, chain.config.reward, folds=9)


def test_an_empty_class_and_a_single_person_are_told_so(folder, tmp_path):
    with pytest.raises(StoreError, match="no label store in"):
        show.ClassView(tmp_path)
    one = LabelStore(tmp_path / "one.sqlite3")
    with pytest.raises(StoreError, match="nobody has ranked anything"):
        show.ClassView(tmp_path)
    one.put_all(row for row in show.ClassView(folder).rows if row["labeler"] == PEOPLE[0])
    view = show.ClassView(tmp_path / "one.sqlite3")
    assert "1 person ranked" in view._repr_html_()
    with pytest.raises(ValueError, match="no two of them"):
        view.agreement()
