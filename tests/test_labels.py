"""Labelers, their agreement and screening, and the formats of their labels."""

import json
from collections import Counter
from random import Random

import numpy as np
import pytest

from rlhf_lite.data import own, records
from rlhf_lite.data.pipeline import to_prompt
from rlhf_lite.labels import agreement as ag
from rlhf_lite.labels import exchange as ex
from rlhf_lite.world import FINAL, HELP_FIRST, Task, calibration, gold, judge
from rlhf_lite.world import labelers as lb
from rlhf_lite.world import screening as sc

NASTY = (
    '<img src=x onerror="alert(1)"> "quotes", \'single\', \\n, \ttab, new\nline\r\n, é 🙂 '
    "\u2028 =1+1 {x} %s </script>"
)


@pytest.fixture(scope="module")
def prompts(world):
    return [to_prompt(row) for row in world.prompt_log(60, 4, 40, seed=5)][:240]


@pytest.fixture(scope="module")
def completions(world, prompts):
    """Nine demonstrations each, some of them of another prompt."""
    rng, out = Random(0), []
    for i, row in enumerate(prompts):
        others = [prompts[(i + j) % len(prompts)] for j in (1, 2)]
        tasks = [Task.from_json(p["task"]) for p in [row] * 7 + others]
        out.append([world.demonstrate(task, rng) for task in tasks])
    return out


@pytest.fixture(scope="module")
def items(prompts, completions):
    return [(Task.from_json(row["task"]), texts) for row, texts in zip(prompts, completions, strict=True)]


# --- one labeler --------------------------------------------------------------------------------------------


def test_ties_by_hand():
    ranks = lb.tied_ranks(np.array([0.5, 0.9, 0.485, 0.47, 0.9]), 0.02)
    assert ranks.tolist() == [2, 1, 2, 3, 1]  # .47 is near .485, but not within .02 of the head .5
    assert lb.tied_ranks(np.array([0.3, 0.3, 0.1]), 0.0).tolist() == [1, 1, 2]  # equal always ties
    both = lb.tied_ranks(np.array([[0.1, np.nan, 0.5], [0.7, 0.6, 0.5]]), 0.02)
    np.testing.assert_array_equal(both, [[2, np.nan, 1], [1, 2, 3]])


def test_no_tie_is_wider_than_the_width():
    u = np.random.default_rng(0).uniform(size=(300, 9))
    ranks = lb.tied_ranks(u, 0.05)
    assert ranks.min() == 1
    for k in range(1, 10):
        group = np.where(ranks == k, u, np.nan)
        spread = np.nanmax(group, 1, initial=-9, where=~np.isnan(group)) - np.nanmin(
            group, 1, initial=9, where=~np.isnan(group)
        )
        assert (spread < 0.05).all()
    better = ranks[:, :, None] < ranks[:, None, :]
    assert (u[:, :, None] > u[:, None, :])[better].all()


def test_labelling_is_deterministic_and_identical_texts_tie(prompts, completions):
    person = lb.make_pool(0)[3]
    texts = completions[0][:4] + completions[0][:2]
    row = lb.label(person, prompts[0], texts)
    assert row == lb.label(person, prompts[0], texts)
    assert row["ranks"][:2] == row["ranks"][4:] and row["likert"][:2] == row["likert"][4:]
    assert lb.label(person, prompts[0], texts, seed=1)["seconds"] != row["seconds"]
    alone = lb.label(person, prompts[0], texts[::-1])  # the order of the answers changes nothing
    assert alone["ranks"] == row["ranks"][::-1]
    records.check_rankings([row])


def test_the_utility_is_the_stated_formula(items):
    task, texts = items[1]
    person = lb.Labeler("x", length_bias=0.3, noise=0.0)
    words = min(len(texts[0].split()), 30)
    assert person.utility(task, texts[0]) == pytest.approx(gold(task, texts[0]) + 0.3 * words / 15)
    long = texts[0] + " word" * 100
    assert person.opinion(judge(task, texts[0]), long) == pytest.approx(gold(task, texts[0]) + 0.3 * 2)
    noisy = lb.Labeler("x", length_bias=0.3, noise=0.5)
    assert noisy.utility(task, texts[0]) - person.utility(task, texts[0]) == pytest.approx(
        0.5 * person.mood(task, texts[0])
    )


def test_pools_have_their_own_weights():
    train, held = lb.make_pool(0), lb.held_out_pool(0)
    assert len(train) == 40 and len({p.id for p in train + held}) == 40 + len(held)
    assert lb.make_pool(0, n=10) == train[:10] and lb.make_pool(1)[0] != train[0]
    for pool, center in ((train, HELP_FIRST), (held, FINAL)):
        assert all(sum(p.weights.values()) == pytest.approx(sum(center.values())) for p in pool)
        mean = {name: np.mean([p.weights[name] for p in pool]) for name in center}
        assert all(abs(mean[name] - center[name]) < 0.4 * center[name] for name in center)
    assert 0.01 < np.mean([p.length_bias for p in train]) < 0.05


def test_flags_follow_the_checks(items):
    strict = lb.Labeler("strict", slip_rate=0.0)
    closed = next(t for t, _ in items if t.annotations["closed_domain"] and t.constraint)
    fine = lb.flags(strict, closed, closed.reference, judge(closed, closed.reference))
    assert [name for name, yes in fine.items() if yes] == ["satisfies_constraint"]
    rude = f"What a silly question. {closed.core}"
    seen = lb.flags(strict, closed, rude, judge(closed, rude))
    assert seen["inappropriate"] and not seen["satisfies_constraint"]
    assert list(seen) == list(records.FLAGS) and len(seen) == 11
    sloppy = lb.Labeler("sloppy", slip_rate=1.0)
    slipped = lb.flags(sloppy, closed, rude, judge(closed, rude))
    assert not slipped["inappropriate"] and not slipped["sexual"]  # what cannot occur is never marked


def test_likert_has_seven_steps():
    assert [lb.likert(u) for u in (-1, 0.1, 0.2, 0.4, 0.6, 0.7, 0.9, 0.95, 2)] == [1, 1, 2, 3, 4, 5, 6, 7, 7]


def test_each_prompt_has_one_labeler_drawn_by_seed(prompts, completions):
    pool = lb.make_pool(0)
    rows = lb.label_all(pool, prompts, completions)
    assert lb.label_all(pool, prompts[50:60], completions[50:60]) == rows[50:60]
    assert len({row["labeler"] for row in rows}) > 30
    assert all(10 < row["seconds"] < 600 for row in rows)
    assert records.to_dataset(rows)[0]["flags"] == rows[0]["flags"]


def test_prompts_without_a_task_cannot_be_labelled():
    with pytest.raises(ValueError, match="has no task"):
        lb.label(lb.make_pool(0)[0], {"prompt_id": "p", "text": "hi", "task": ""}, ["a", "b"])


# --- agreement ----------------------------------------------------------------------------------------------


def two(ranks_a, ranks_b, texts=("a", "b", "c")):
    return [
        {"prompt_id": "p", "labeler": who, "completions": list(texts), "ranks": ranks}
        for who, ranks in (("x", ranks_a), ("y", ranks_b))
    ]


def test_agreement_by_hand():
    found = ag.agreement(two([1, 2, 3], [1, 3, 2]))
    assert (found.share, found.pairs, found.prompts) == (2 / 3, 3, 1)
    assert ag.agreement(two([1, 1, 2], [2, 1, 3])).pairs == 2  # a tie of either leaves the pair out
    shuffled = two([1, 2, 3], [1, 2, 3])
    shuffled[1] |= {"completions": ["c", "b", "a"], "ranks": [3, 2, 1]}
    assert ag.agreement(shuffled).share == 1
    with pytest.raises(ValueError, match="nothing to count"):
        ag.agreement(two([1, 1, 1], [1, 2, 3]))


def test_the_closed_form_of_agreement():
    assert ag.expected_agreement(0.731) == pytest.approx(0.726, abs=5e-4)
    assert ag.expected_agreement(0.568) == pytest.approx(0.773, abs=5e-4)
    assert ag.expected_accuracy(0.731) == pytest.approx(0.799, abs=1e-3)
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(4000, 1, 9))
    seen = truth + 0.731 * rng.normal(size=(4000, 2, 9))
    alike, both = ag.counts_alike(lb.tied_ranks(seen[:, 0], 0), lb.tied_ranks(seen[:, 1], 0))
    assert alike.sum() / both.sum() == pytest.approx(0.726, abs=0.01)


def test_noise_is_calibrated_on_the_samples(items):
    pool = calibration.calibrate_noise(lb.make_pool(0), items[:120])
    found = calibration.pool_agreement(pool, items[:120])
    assert found.share == pytest.approx(0.726, abs=0.002) and found.low < 0.726 < found.high
    assert {person.noise for person in pool} == {pool[0].noise}
    calm = calibration.calibrate_noise(lb.make_pool(0), items[:120], target=0.773)
    assert calm[0].noise < pool[0].noise
    shares = [
        calibration.pool_agreement(lb.with_noise(pool, s), items[:120], bootstrap=0).share
        for s in (0, 0.05, 0.1, 0.2, 0.4, 0.8)
    ]
    assert shares == sorted(shares, reverse=True)


def test_measured_agreement_is_that_of_the_labels(prompts, completions, items):
    pool = lb.with_noise(lb.make_pool(0, n=3), 0.15)
    rows = [lb.label(who, p, c) for p, c in zip(prompts[:40], completions[:40], strict=True) for who in pool]
    assert ag.agreement(rows) == calibration.pool_agreement(pool, items[:40], per_item=3)


def test_unreachable_agreement_is_explained(items):
    with pytest.raises(ValueError, match="Without any noise these labelers agree"):
        calibration.calibrate_noise(lb.make_pool(0), items[:20], target=0.9999)
    with pytest.raises(ValueError, match="at least 2 people"):
        calibration.pool_agreement(lb.make_pool(0, n=1), items)


# --- screening ----------------------------------------------------------------------------------------------


def test_screening_keeps_the_good_and_turns_the_others_away(items):
    applicants = sc.make_applicants(0, n=40)
    table = sc.screen(applicants, items)
    assert table == sc.screen(applicants, items) and len(table) == len(applicants)
    passed = Counter(row["kind"] for row in table if row["admitted"])
    kinds = Counter(row["kind"] for row in table)
    assert set(kinds) == set(sc.KINDS)
    assert passed["good"] > 0.8 * kinds["good"] and sum(passed.values()) - passed["good"] <= 1
    for row in table:
        assert 0 <= row["flagging"] <= 1 and 0 <= row["ranking"] <= 1 and 1 <= row["writing"] <= 7
    tests = ("flagging", "ranking", "writing")
    mean = {k: {t: np.mean([row[t] for row in table if row["kind"] == k]) for t in tests} for k in kinds}
    assert mean["insensitive"]["flagging"] < 0.75 and mean["insensitive"]["writing"] < 6
    assert mean["careless"]["ranking"] < 0.75 and mean["biased"]["ranking"] < mean["good"]["ranking"]
    pool = sc.admitted(applicants, table)
    assert len(pool) == sum(row["admitted"] for row in table) and {p.group for p in pool} == {"training"}
    json.dumps(table)


def test_screening_needs_sensitive_texts(items):
    with pytest.raises(ValueError, match="at least 5 sensitive"):
        sc.screen(sc.make_applicants(0, n=2), items[:2])


# --- exchange -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rankings(prompts, completions):
    rows = lb.label_all(lb.make_pool(0), prompts[:12], completions[:12])
    rows[0] |= {"prompt": NASTY, "completions": [f"{NASTY} {i}" for i in range(9)]}
    return rows


ROUND_TRIPS = {
    "exchange": (ex.to_exchange, own.own_rankings),
    "argilla": (ex.to_argilla, ex.from_argilla),
    "label studio": (ex.to_label_studio, ex.from_label_studio),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_round_trips_through_json(name, rankings):
    there, back = ROUND_TRIPS[name]
    assert back(json.loads(json.dumps(there(rankings)))) == rankings


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "parquet"])
def test_round_trips_through_files(suffix, rankings, tmp_path):
    path = tmp_path / "deep" / f"rankings.{suffix}"
    ex.save_rankings(rankings, path)
    assert own.load_rankings(path) == rankings
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_file_alone(rankings, tmp_path):
    path = tmp_path / "rows.jsonl"
    ex.write_rows([{"a": 1}], path)
    with pytest.raises(TypeError):
        ex.write_rows([{"a": 2}, {"a": object()}], path)
    assert path.read_text() == '{"a": 1}\n' and list(tmp_path.iterdir()) == [path]
    ex.write_rows([{"a": 1}], tmp_path / "ROWS.JSONL")
    assert (tmp_path / "ROWS.JSONL").read_text() == '{"a": 1}\n'
    with pytest.raises(ValueError, match="cannot write '.txt'"):
        ex.write_rows([], tmp_path / "rows.txt")


def test_pairs_drop_ties_and_come_back():
    row = {"prompt": "p", "completions": ["a", "b", "c"], "ranks": [2, 1, 2]}
    pairs = ex.to_pairs([row])
    assert pairs == [
        {"prompt": "p", "chosen": "b", "rejected": "a"},
        {"prompt": "p", "chosen": "b", "rejected": "c"},
    ]
    back = own.own_rankings(pairs)
    assert [(r["completions"], r["ranks"]) for r in back] == [(["b", "a"], [1, 2]), (["b", "c"], [1, 2])]


def test_hh_rlhf_and_chat_pairs():
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Why?\n\nAssistant:"
    row = own.own_rankings([{"chosen": start + " Because.", "rejected": start + " No."}])[0]
    assert (row["prompt"], row["completions"]) == (start, ["Because.", "No."])
    chat = {
        "prompt": [{"role": "user", "content": "Hi"}],
        "chosen": [{"role": "assistant", "content": "a"}],
        "rejected": [{"role": "assistant", "content": "a"}],
    }
    row = own.own_rankings([chat])[0]
    assert (row["prompt"], row["completions"], row["ranks"]) == ("Hi", ["a", "a"], [1, 1])
    with pytest.raises(records.RecordError, match="row 1: there is no prompt column"):
        own.own_rankings([{"chosen": "x", "rejected": "y"}])
    with pytest.raises(records.RecordError, match="row 1: column 'rejected' is missing"):
        own.own_rankings([{"prompt": "p", "chosen": "x"}])


def test_other_peoples_annotations():
    items = [{"id": "u", "body": "one"}, {"id": "v", "body": "two"}, {"id": "w", "body": "three"}]

    def task(order, **more):
        result = [{"from_name": "rank", "to_name": "answers", "type": "ranker", "value": {"ranker": order}}]
        return {
            "data": {"prompt": "p", "items": items},
            "annotations": [{"completed_by": 7, "result": result} | more],
        }

    strict = ex.from_label_studio([task(["v", "u", "w"])])[0]
    assert (strict["ranks"], strict["labeler"]) == ([2, 1, 3], "7")
    ties = ex.from_label_studio([task({"rank_3": ["u", "w"], "rank_1": ["v"], "_": []})])[0]
    assert ties["ranks"] == [2, 1, 2]
    left = ex.from_label_studio([task({"rank_2": ["u"], "rank_1": ["v"], "_": ["w"]})])[0]
    assert left["completions"] == ["one", "two"]
    with pytest.warns(UserWarning, match="left out: cancelled annotations: 1"):
        assert ex.from_label_studio([task(["v", "u", "w"], was_cancelled=True)]) == []
    record = {
        "id": "r",
        "fields": {"prompt": "p", "x": "one", "y": "two"},
        "responses": {"ranking": [{"value": ["y", "x"], "user_id": "me"}]},
    }
    assert ex.from_argilla([record])[0]["ranks"] == [2, 1]


ITEMS = [{"id": "u", "body": "one"}, {"id": "v", "body": "two"}, {"id": 3, "html": "three"}]


def studio_task(ranker, name="rank", kind="ranker", items="items", **more):
    result = {"from_name": name, "to_name": "answers", "type": kind, "value": {kind: ranker}}
    note = {"completed_by": 7, "result": [result]} | more
    return {"id": 1, "data": {"prompt": "p", "tags": ["x"], items: ITEMS}, "annotations": [note]}


@pytest.mark.parametrize(
    ("task", "ranks"),
    [
        (studio_task({"rank_1": ["v"], "rank_2": ["u"], "rank_3": ["3"]}), [2, 1, 3]),
        (studio_task({"rank": ["v", "u", 3]}), [2, 1, 3]),  # a Ranker without buckets
        (studio_task(["v", "u", 3]), [2, 1, 3]),
        (studio_task({"preference": ["v", "u", 3]}, name="preference"), [2, 1, 3]),
        (studio_task({"rank_1": ["v"], "rank_2": ["u", 3]}, name="ranker", items="answers"), [2, 1, 2]),
        (studio_task({"2": ["u"], "1": ["v"], "10": [3]}), [2, 1, 3]),
        (studio_task({"Place 2": ["u"], "Place 1": ["v"], "_": [3]}), [2, 1]),
    ],
)
def test_each_form_of_label_studios_ranker(task, ranks):
    (row,) = ex.from_label_studio([task])
    assert row["ranks"] == ranks and row["completions"] == ["one", "two", "three"][: len(ranks)]
    assert row["labeler"] == "7" and "tags" not in row


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (
            studio_task({"best": ["v"], "worst": ["u", 3]}),
            "buckets 'best', 'worst' do not say which is better",
        ),
        (studio_task({"best": ["v"]}), "call them rank_1 "),
        (studio_task({"rank_1": ["v"], "score_5": ["u"]}), "buckets 'score_5' do not say"),
        (studio_task({"rank_1": ["v"], "rank_2": ["w"]}), "'w' was ranked, but the answers are u, v, 3"),
        (studio_task({"rank_1": ["v"], "rank_2": ["u", "v"]}), "an answer was ranked twice"),
        (
            studio_task({"rank_1": ["v"], "rank_2": ["u"]}, items="text") | {"data": {"q": 1}},
            "'prompt' is miss",
        ),
        ({"id": 1, "prompt": "p", "rank": {}}, "'data' is missing; .* not what label-studio exports as JSON"),
    ],
)
def test_what_label_studio_does_not_say_is_refused_in_a_line(task, why):
    good = studio_task(["v", "u", 3])
    with pytest.raises(records.RecordError, match=f"^tasks.json, row 2: [^\n]*{why}"):
        ex.from_label_studio([good, task], "tasks.json")


def test_one_of_several_rankers_must_be_called_rank():
    task = studio_task({"rank": ["v", "u", 3]})
    other = studio_task({"harmless": ["u", "v", 3]}, name="harmless")["annotations"][0]["result"]
    task["annotations"][0]["result"] += other
    assert ex.from_label_studio([task])[0]["ranks"] == [2, 1, 3]
    task["annotations"][0]["result"][0] |= {
        "from_name": "helpful",
        "value": {"ranker": {"helpful": ["v", "u"]}},
    }
    with pytest.raises(records.RecordError, match="several rankings, helpful, harmless; call the one"):
        ex.from_label_studio([task])


def test_annotations_without_a_ranking_are_counted_by_what_they_hold():
    tasks = [
        studio_task({"rank": ["v", "u"]}),
        studio_task({}),
        studio_task({"_": ["u", "v", 3]}),
        studio_task("left", "pw", "pairwise"),
        studio_task(["v", "u"], was_cancelled=True),
        {**studio_task([]), "annotations": []},
    ]
    with pytest.warns(UserWarning) as said:
        assert len(ex.from_label_studio(tasks, "tasks.json")) == 1
    assert str(said[0].message) == (
        "tasks.json: 1 rankings taken, left out: rankings of fewer than two answers: 2; "
        "annotations without a Ranker, with pairwise 'pw': 1; cancelled annotations: 1; "
        "tasks without annotations: 1"
    )


def argilla_record(*answers, question="ranking", **more):
    return (
        {"id": "r", "fields": {"prompt": "p", "x": "one", "y": "two", "z": "three"}}
        | more
        | {"responses": {question: list(answers)}}
    )


def placed(*ranks, user="u", **more):
    value = [{"value": name, "rank": rank} for name, rank in zip("xyz", ranks, strict=True)]
    return {"value": value, "user_id": user, **more}


def test_only_submitted_answers_of_argilla_are_labels():
    record = argilla_record(
        placed(1, 2, 3, user="ann", status="submitted"),
        placed(3, 2, 1, user="ben", status="discarded"),
        placed(3, 1, 2, user="cleo", status="draft"),
        placed(2, 1, 3, user="dee", status=None),
        {"value": None, "user_id": "eve"},
        placed(2, None, 1, user="fay"),  # a missing rank is no rank
        placed(2, None, None, user="gus"),
    )
    with pytest.warns(UserWarning) as said:
        rows = ex.from_argilla([record, argilla_record()], "records.json")
    found = {row["labeler"]: (row["completions"], row["ranks"]) for row in rows}
    three = ["one", "two", "three"]
    assert found == {"ann": (three, [1, 2, 3]), "dee": (three, [2, 1, 3]), "fay": (["one", "three"], [2, 1])}
    told = str(said[0].message)
    assert "records.json: 3 rankings taken, left out: discarded responses: 1; draft responses: 1; " in told
    assert "responses without a ranking, with nothing: 1; rankings of fewer than two answers: 1" in told


def test_argillas_older_form_and_other_names_of_the_question():
    submitted = {
        "values": {"order": {"value": placed(2, 1, 3)["value"]}},
        "user_id": "ann",
        "status": "submitted",
    }
    discarded = {
        "values": {"order": {"value": placed(1, 2, 3)["value"]}},
        "user_id": "ben",
        "status": "discarded",
    }
    nothing = {"values": None, "user_id": "cleo", "status": "draft"}
    with pytest.warns(UserWarning, match="discarded responses: 1; draft responses: 1"):
        rows = ex.from_argilla([argilla_record() | {"responses": [submitted, discarded, nothing]}])
    assert [(row["labeler"], row["ranks"], row["prompt_id"]) for row in rows] == [("ann", [2, 1, 3], "r")]
    (row,) = ex.from_argilla([argilla_record(placed(2, 1, 3), question="order")])
    assert row["ranks"] == [2, 1, 3]
    with pytest.raises(records.RecordError, match="row 1: 'w' was ranked, but the answers are x, y, z"):
        ex.from_argilla([argilla_record({"value": ["w", "x"], "user_id": "u"})])
    with pytest.raises(records.RecordError, match="row 1: 'fields' is missing; .* not what argilla exports"):
        ex.from_argilla([{"text": "p", "ranking.responses": []}])


def test_rankings_without_an_id_travel_to_argilla_and_back():
    rows = [
        {"prompt": f"p{i}", "completions": ["a", "b"], "ranks": [1, 2], "labeler": "ada"} for i in range(2)
    ]
    records_ = ex.to_argilla(rows)
    assert [record["id"] for record in records_] == [None, None]
    assert ex.from_argilla(records_) == rows


def test_own_files(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text('prompt,completions,ranks\nWhy?,"[""a"", ""b""]","[0.5, 0]"\n')
    assert own.load_rankings(path)[0]["ranks"] == [2, 1]
    for bad in ("[NaN, 0]", "[true, 0]"):
        path.write_text(f'prompt,completions,ranks\nWhy?,"[""a"", ""b""]","{bad}"\n')
        with pytest.raises(
            records.RecordError, match="mine.csv, row 1: rank (nan|True) is not a whole number"
        ):
            own.load_rankings(path)
    path.write_text('question,completions,ranks\nWhy?,"[""a"", ""b""]","[1, 2]"\n')
    with pytest.raises(records.RecordError, match="column 'prompt' is missing; the row has question"):
        own.load_rankings(path)
    path.write_text("prompt,chosen,rejected\np,good,bad\n")
    assert own.load_rankings(path)[0]["completions"] == ["good", "bad"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"completions": ["a"], "ranks": [1]}, "row 2: 1 completions, but K must be 2 to 9"),
        ({"completions": list("abcdefghij"), "ranks": list(range(1, 11))}, "row 2: 10 completions"),
        ({"completions": ["a", ""]}, "row 2: completion 2 is ''"),
        ({"ranks": [1]}, "row 2: 1 ranks for 2 completions"),
        ({"ranks": [0, 1]}, "row 2: rank 0 is not a whole number from 1 to 2 .*normalise_ranks"),
        ({"ranks": [1, 3]}, "row 2: rank 3"),
        ({"ranks": [1, True]}, "row 2: rank True"),
        ({"ranks": [1, float("nan")]}, "row 2: rank nan"),
        ({"ranks": [1, 2.0]}, "row 2: rank 2.0"),
        ({"likert": [1, 8]}, "row 2: likert 8"),
        ({"likert": [4]}, "row 2: 1 likert for 2"),
        ({"ranks": None}, "row 2: 'completions' and 'ranks' must be lists"),
        ({"prompt": ""}, "row 2: 'prompt' must be a text"),
    ],
)
def test_bad_rankings_are_refused_with_their_row(change, message):
    good = {"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2]}
    with pytest.raises(records.RecordError, match=message):
        records.check_rankings([good, good | change])


def test_more_record_rules():
    good = {"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2]}
    with pytest.raises(
        records.RecordError, match="column 'ranks' is missing; the row has prompt, completions"
    ):
        records.check_rankings([{"prompt": "p", "completions": ["a", "b"]}])
    with pytest.raises(records.RecordError, match="unknown mark 'funny'"):
        records.to_dataset([good | {"flags": [{"funny": True}, {}]}])
    records.check_rankings([good | {"completions": ["a", ""]}], allow_empty=True)
    assert records.normalise_ranks([3, 0, 3, 7.5]) == [2, 1, 2, 3]
    assert records.untied_pairs([2, 1, 2]) == [(1, 0), (1, 2)]
