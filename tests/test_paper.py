"""The paper's numbers agree with each other where the paper says the same thing twice."""

from rlhf_lite import paper


def test_every_fact_names_its_source():
    facts = {name: value for name, value in vars(paper).items() if isinstance(value, paper.Fact)}
    assert len(facts) > 25
    for name, fact in facts.items():
        assert fact.source and fact.value is not None, name
    assert {name for name, fact in facts.items() if fact.read_off_plot} == {
        "FIGURE_1",
        "FIGURE_3_HELD_OUT",
        "FIGURE_4",
        "FIGURE_33",
        "FIGURE_34",
        "FIGURE_36",
    }
    assert str(paper.AGREEMENT).startswith("(72.6, 1.5) (§3.4")
    assert "read off the plot" in str(paper.FIGURE_4)


def test_table_6_and_table_9_count_the_same_prompts():
    for name, parts in paper.TABLE_6.value.items():
        assert sum(parts.values()) == paper.TABLE_9.value[name][0], name
    assert sum(paper.TABLE_6.value["rm_train"].values()) == 33_207


def test_table_1_and_table_10_name_the_same_use_cases():
    assert abs(sum(paper.TABLE_1.value.values()) - 100) < 0.2
    assert set(paper.TABLE_1.value) == set(paper.TABLE_10.value)


def test_tables_have_one_number_per_column():
    assert all(len(row) == len(paper.TABLE_7_COLUMNS) for row in paper.TABLE_7.value.values())
    assert all(len(row) == len(paper.TABLE_9_COLUMNS) for row in paper.TABLE_9.value.values())
    assert all(len(row) == len(paper.FIGURE_4_COLUMNS) for row in paper.FIGURE_4.value.values())
    for figure in (paper.FIGURE_1, paper.FIGURE_3_HELD_OUT):
        assert all(len(row) == 3 for row in figure.value.values())
        assert figure.value["SFT"][2] == 0.5  # the reference against itself
    for figure in (paper.FIGURE_33, paper.FIGURE_34, paper.FIGURE_36):
        lengths = {len(v) for v in figure.value.values() if isinstance(v, tuple)}
        assert len(lengths) == 1


def test_the_chosen_coefficients_are_points_of_their_sweeps():
    assert paper.PPO.value["ptx_gamma"] in paper.FIGURE_33.value["ptx_gamma"]
    assert paper.PPO.value["kl_beta"] in paper.FIGURE_36.value["kl_beta"]
    assert paper.REWARD.value["most_comparisons"] == paper.REWARD.value["batch_prompts"] * 9 * 8 // 2
