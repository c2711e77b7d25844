"""Ranking by hand: every click is kept, nobody sees who wrote what, labels are rows like any other and tell
of a person."""

from random import Random

import pytest

pytest.importorskip("ipywidgets")

from rlhf_lite.data.records import check_rankings  # noqa: E402
from rlhf_lite.data.seeded import shuffled  # noqa: E402
from rlhf_lite.labels import store as st  # noqa: E402
from rlhf_lite.labels.store import LabelStore  # noqa: E402
from rlhf_lite.show.ranking import RankingPanel  # noqa: E402
from rlhf_lite.world.labelers import Labeler, label, make_pool  # noqa: E402
from rlhf_lite.world.taste import CRITERIA, agreement_with_each, implied_weights  # noqa: E402

NASTY = "<script>x</script> $x$ **b** \x07 \u202egnp"


def prompts(n=10, k=4):
    return [
        {
            "prompt_id": f"p{i}",
            "prompt": f"{NASTY} {i}",
            "task": "",
            "completions": [f"{NASTY} {i} {j}" for j in range(k)],
            "labeler": "someone",
            "ranks": [1] * k,
            "source": "ppo",
        }
        for i in range(n)
    ]


@pytest.fixture
def store(tmp_path):
    return LabelStore(tmp_path / "labels.sqlite3")


def parts(widget):
    """A widget and all inside it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def html(panel) -> str:
    """Everything of the panel that is HTML."""
    return "\n".join(part.value for part in parts(panel.widget) if type(part).__name__ == "HTML")


def test_nine_answers_are_rated_flagged_ranked_with_ties_and_saved_in_the_order_of_the_completions(store):
    panel = RankingPanel(prompts(1, k=9), "ada", store, repeats=0)
    assert panel.button.disabled and len(panel.quality) == 9 and len(panel.marks[0]) == 11
    for i, box in enumerate(panel.quality):
        box.value = 1 + i % 7
    panel.marks[3]["hallucination"].value = True
    assert not panel.button.disabled
    panel.button.click()
    assert panel.button.disabled
    for i, box in enumerate(panel.places):
        box.value = (9, 1, 1, 3, 3, 5, 6, 7, 9)[i]
    panel.button.click()
    (row,) = panel.rows()
    order = shuffled(range(9), row["seed"], "p0")
    assert [row["ranks"][j] for j in order] == [6, 1, 1, 2, 2, 3, 4, 5, 6]
    assert [row["likert"][j] for j in order] == [1 + i % 7 for i in range(9)] and row["flags"][order[3]][
        "hallucination"
    ]
    assert row["labeler"] == "ada" and row["seconds"] >= 0 and "source" not in row
    assert check_rankings([row]) and "All done" in panel.body.children[0].value


def test_every_page_says_which_end_of_its_scale_is_the_good_one(store):
    panel = RankingPanel(prompts(1, k=9), "ada", store, repeats=0)
    assert "1 is worst, 7 is best" in html(panel) and "1 is best" not in html(panel)
    panel._rank_stage()
    assert "1 is best, 9 is last" in html(panel) and "7 is best" not in html(panel)


def test_the_next_page_begins_at_its_top_and_a_panel_that_appears_leaves_the_page_where_it_is(
    store, monkeypatch
):
    panel, asked = RankingPanel(prompts(2), "ada", store, repeats=0), []
    monkeypatch.setattr(panel.top, "send", lambda content, buffers=None: asked.append(content))
    assert not asked and panel.turned
    panel.rank([1, 2, 3, 4], [4] * 4)  # to the ranking, and to the next prompt
    assert asked == [{"do": "focus"}] * 2


def test_yes_and_no_are_reached_by_tab_and_counted_when_folded(store):
    panel = RankingPanel(prompts(1), "ada", store, repeats=0)
    kinds = [type(part).__name__ for part in parts(panel.widget)]
    assert "Accordion" not in kinds  # its titles are passed over by Tab
    assert kinds.count("ToggleButton") == 4 and kinds.count("Checkbox") == 4 * 11
    fold, questions = panel.body.children[3].children
    assert questions.layout.display == "none"
    fold.value = panel.marks[0]["opinion"].value = True
    assert questions.layout.display is None and fold.description == "yes/no questions (1 yes)"


def test_each_labeler_sees_another_order_and_nobody_who_wrote_what(store):
    panels = [RankingPanel(prompts(1, k=9), name, store) for name in ("ada", "bob")]
    assert panels[0].order != panels[1].order and "ppo" not in html(panels[0])
    assert RankingPanel(prompts(1, k=9), "ada", store).order == panels[0].order


def test_text_stays_text(store):
    panel = RankingPanel(prompts(1), "<b>ada</b>", store)
    for shown in (html(panel), panel._rank_stage() or html(panel)):
        assert (
            "<script>" not in shown
            and "&lt;script&gt;" in shown
            and "\x07" not in shown
            and "<b>ada" not in shown
        )


def test_a_restart_finds_the_place_and_what_was_on_the_screen(store):
    panel = RankingPanel(prompts(3), "ada", store, repeats=0)
    panel.rank([1, 2, 3, 4], [4, 4, 4, 4])
    panel.quality[0].value, panel.marks[1]["opinion"].value = 6, True
    again = RankingPanel(prompts(3), "ada", store, repeats=0)
    assert again.at == 1 and again.stage == "rate" and "1 of 3" in again.head.value
    assert again.quality[0].value == 6 and again.quality[1].value is None and again.marks[1]["opinion"].value
    for box in again.quality:
        box.value = 3
    again.button.click()
    again.places[2].value = 2
    third = RankingPanel(prompts(3), "ada", store, repeats=0)
    assert third.stage == "rank" and [box.value for box in third.places] == [None, None, 2, None]
    assert RankingPanel(prompts(3), "bob", store).at == 0


def test_a_prompt_with_other_answers_is_not_done(store):
    RankingPanel(prompts(2), "ada", store, repeats=0).rank([1, 2, 3, 4], [4] * 4)
    assert RankingPanel(prompts(2), "ada", store, repeats=0).at == 1
    assert RankingPanel(prompts(2, k=5), "ada", store, repeats=0).at == 0


def test_some_prompts_come_again_and_count_as_second_looks(store):
    panel = RankingPanel(prompts(10), "ada", store, repeats=0.2)
    assert len(panel.queue) == 12
    while panel.current:
        panel.rank([1, 2, 3, 4], [4] * 4)
    assert len(panel.rows()) == 10 and len(panel.rows(look=2)) == 2 and "12 of 12" in panel.head.value


def test_pairs_for_the_impatient(store):
    panel = RankingPanel(prompts(2, k=9), "ada", store, mode="pairs", repeats=0)
    assert panel.stage == "rank" and len(panel.places) == 2
    panel.rank([2, 1])
    (row,) = panel.rows()
    assert (
        len(row["completions"]) == 2
        and sorted(row["ranks"]) == [1, 2]
        and row["prompt_id"] == "p0/pair"
        and "likert" not in row
    )
    with pytest.raises(ValueError, match="use ranking or pairs"):
        RankingPanel(prompts(1), "ada", store, mode="best")
    with pytest.raises(ValueError, match="give the labeler a name"):
        RankingPanel(prompts(1), " ", store)


def test_what_cannot_be_kept_is_said_once_and_stays_on_the_screen(store, monkeypatch):
    panel = RankingPanel(prompts(2), "ada", store, repeats=0)

    def full(*args):
        raise st.StoreError("labels.sqlite3: the disk is full; free some space and try again")

    monkeypatch.setattr(LabelStore, "put", full)
    panel.rank([1, 2, 3, 4], [5] * 4)
    assert "Not kept:" in panel.trouble.value and "disk is full" in panel.trouble.value and panel.at == 0
    assert [box.value for box in panel.places] == [1, 2, 3, 4]
    monkeypatch.undo()
    panel.button.click()
    assert panel.at == 1 and panel.trouble.value == "" and len(panel.rows()) == 1


def test_a_damaged_store_is_said_on_a_panel_that_still_appears(store):
    RankingPanel(prompts(2), "ada", store, repeats=0).rank([1, 2, 3, 4], [5] * 4)
    data = store.path.read_bytes()
    store.path.write_bytes(data.replace(b'"ranks": [', b'"ranks": {'))
    panel = RankingPanel(prompts(2), "ada", store, repeats=0)
    assert "it is damaged; restore a copy" in panel.trouble.value and "0 1" in panel.still().html


# --- whose labels -------------------------------------------------------------------------------------------


def find(panel, text):
    """The button of this name on the panel."""
    todo = [panel.widget]
    while todo:
        widget = todo.pop()
        if getattr(widget, "description", "") == text:
            return widget
        todo += getattr(widget, "children", ())


def test_the_name_is_asked_for_once_and_remembered(run_home, monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    panel = RankingPanel(prompts(3), store=run_home / "labels", repeats=0)
    assert "Who ranks?" in panel.head.value and panel.rows() == []
    assert all(f"0 {j}" in panel.still().html for j in range(4))  # what a page without widgets shows
    assert panel.current is None
    _, name, begin = panel.body.children
    begin.click()  # without a name nothing begins
    assert "Who ranks?" in panel.head.value
    name.value = " <b>ada</b> "
    begin.click()
    assert "0 of 3" in panel.head.value and "<b>ada" not in html(panel)
    panel.rank([1, 2, 3, 4], [4] * 4)
    again = RankingPanel(prompts(3), store=run_home / "labels", repeats=0)
    assert again.at == 1 and [row["labeler"] for row in again.rows()] == ["<b>ada</b>"]
    find(again, "Another name").click()  # somebody else sits down
    again.body.children[1].value = "bob"
    find(again, "Begin").click()
    assert again.at == 0 and again.rows() == [] and "bob: 0 of 3" in again.head.value
    assert RankingPanel(prompts(3)).labeler == "bob"


def test_on_a_hub_and_where_a_name_is_given_nothing_is_asked(run_home, store, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "cleo")
    assert "cleo: 0 of 3" in RankingPanel(prompts(3), store=run_home / "labels", repeats=0).head.value
    given = RankingPanel(prompts(3), "dee", store, repeats=0)
    assert "dee: 0 of 3" in given.head.value and find(given, "Another name") is None


def test_a_name_that_cannot_be_remembered_is_still_used(run_home, tmp_path, monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    (tmp_path / "home").write_text("a file where the folder should be")
    panel = RankingPanel(prompts(2), store=tmp_path / "labels", repeats=0)
    panel.body.children[1].value = "ada"
    find(panel, "Begin").click()
    assert "ada: 0 of 2" in panel.head.value


# --- what rankings say of a person --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ranked(world):
    """Real prompts of the world with answers of many kinds, ranked by somebody for whom only manners
    count."""
    rows = []
    for i in range(60):
        task = world.draw_task(Random(i))
        answers = [
            task.reference,
            "You are a fool. " + task.reference,
            "I do not know.",
            task.reference + " That is all for today.",
            "Soup.",
        ]
        rows.append(
            {
                "prompt_id": f"p{i}",
                "text": task.text,
                "task": task.to_json(),
                "answers": list(dict.fromkeys(answers)),
            }
        )
    return rows


def by(person, ranked):
    return [label(person, row, row["answers"]) for row in ranked]


def test_weights_are_found_from_rankings(ranked):
    polite = Labeler(
        "polite",
        {name: 0.9 if name == "polite" else 0.02 for name in CRITERIA[:-1]},
        noise=0.0,
        slip_rate=0.0,
    )
    honest = Labeler(
        "correct",
        {name: 0.9 if name == "correct" else 0.02 for name in CRITERIA[:-1]},
        noise=0.0,
        slip_rate=0.0,
    )
    found = {person.id: implied_weights(by(person, ranked)) for person in (polite, honest)}
    assert max(found["polite"], key=found["polite"].get) == "polite"
    assert (
        found["correct"]["correct"] > found["polite"]["correct"]
        and found["polite"]["polite"] > found["correct"]["polite"]
    )
    assert sum(abs(w) for name, w in found["polite"].items() if name != "length") == pytest.approx(1)
    with pytest.raises(ValueError, match="no pair of answers that is not tied"):
        implied_weights([])


def test_agreement_with_each_is_highest_with_oneself(ranked):
    pool = make_pool(0, n=4, noise=0.5)
    found = agreement_with_each([{**row, "labeler": "me"} for row in by(pool[2], ranked)], pool)
    assert found[pool[2].id].share == 1 and min(a.share for a in found.values()) < 1
