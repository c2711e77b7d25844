"""Work side by side: the same results in order, errors pass through, thread counts stay as they were."""

import pytest
import torch

from rlhf_lite.threads import Halves, in_threads


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_and_each_thread_has_one_core(threads):
    found = in_threads(lambda a, b: (a * b, torch.get_num_threads()), range(5), range(5))
    assert [product for product, _ in found] == [0, 1, 4, 9, 16]
    assert {cores for _, cores in found} == {1} and torch.get_num_threads() == threads


def test_inside_a_thread_it_is_a_plain_loop(threads):
    assert in_threads(lambda a: in_threads(lambda b: a + b, [1, 2]), [0, 10]) == [[1, 2], [11, 12]]


def test_an_error_passes_through(threads):
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda x: 1 / x, [1, 0, 2])
    with pytest.raises(ValueError):
        in_threads(lambda a, b: a, [1], [1, 2])


def half_step(model, rows):
    loss = model(torch.tensor(rows, dtype=torch.float32)[:, None]).square().sum()
    loss.backward()
    return len(rows), torch.get_num_threads()


@pytest.mark.parametrize("rows", [[1, 2, 3, 4, 5], [7]])
def test_two_halves_add_up_to_the_whole_gradient(threads, rows):
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)
    half_step(model, rows)
    whole = [p.grad.clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Halves(model) as halves:
        for _ in range(2):  # the second time after an update: the twin must have seen it
            model.zero_grad()
            found = halves.backward(half_step, rows)
            half = [p.grad.clone() for p in model.parameters()]
            assert all(torch.allclose(a, b) for a, b in zip(half, whole, strict=True))
            optimizer.step()
            model.zero_grad()
            half_step(model, rows)
            whole = [p.grad.clone() for p in model.parameters()]
    assert sum(n for n, _ in found) == len(rows)
    assert {cores for _, cores in found} == {1} and torch.get_num_threads() == threads


def test_halves_are_the_same_with_one_core_and_two():
    before, found = torch.get_num_threads(), []
    for cores in (1, 2):
        torch.set_num_threads(cores)
        torch.manual_seed(0)
        model = torch.nn.Linear(1, 3)
        with Halves(model) as halves:
            halves.backward(half_step, [0.1, 0.2, 0.3])
        found.append(model.weight.grad)
    torch.set_num_threads(before)
    assert torch.equal(*found)


def test_an_error_in_a_half_passes_through(threads):
    with Halves(torch.nn.Linear(1, 1)) as halves, pytest.raises(ZeroDivisionError):
        halves.backward(lambda model, rows: 1 / 0, [1, 2])
