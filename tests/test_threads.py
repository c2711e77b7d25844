"""Work side by side: the same results in order, errors pass through, thread counts stay as they were."""

import pytest
import torch

from rlhf_lite.hardware.threads import in_threads


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
