"""A guess is kept, listed, and never waited for."""

import pytest

from rlhf_lite import show
from rlhf_lite.show import predict


@pytest.fixture(autouse=True)
def nothing_guessed(monkeypatch):
    monkeypatch.setattr(predict, "_GUESSES", {})


def test_a_guess_is_kept_over_a_rerun_and_listed():
    show.Predict("Which one?").box.value = " the <b>first</b> "
    again = show.Predict("Which one?")
    assert again.box.value == "the <b>first</b>" and "the <b>first</b>" in repr(again.still())
    listed = show.predictions()._repr_html_()
    assert "Which one?" in listed and "&lt;b&gt;first" in listed and "<b>first" not in listed


def test_an_empty_guess_takes_it_back_and_nobody_has_to_guess():
    box = show.Predict("Which one?")
    box.guess("this")
    assert "Noted" in box.remark.value
    box.guess(" ")
    assert box.remark.value == "" and "No guesses yet" in repr(show.predictions())


def test_a_question_is_needed():
    with pytest.raises(ValueError, match="question"):
        show.Predict(" ")
