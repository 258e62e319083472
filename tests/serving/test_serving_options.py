import numpy as np
import pytest

from mmkeras.serving import ServingOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_batch_size": 0},
        {"max_batch_size": 1.5},
        {"batch_timeout": -1.0},
        {"batch_threads": 0},
        {"queue_length": 0},
        {"max_body_bytes": 0},
        {"request_timeout": 0.0},
        {"request_timeout": float("nan")},
        {"poll_seconds": 0.0},
    ],
)
def test_out_of_range(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        ServingOptions(**wrong)


def test_numpy_integers():
    assert ServingOptions(queue_length=np.int64(3)).queue_length == 3


def test_a_body_over_the_limit_of_grpc():
    with pytest.raises(ValueError, match="`max_body_bytes` must be under 2147483648"):
        ServingOptions(max_body_bytes=2**31)
    assert ServingOptions(max_body_bytes=2**31 - 1)


def test_pending_bytes():
    assert ServingOptions(max_body_bytes=10).max_pending_bytes == 80
    assert ServingOptions(max_pending_bytes=7, batch_timeout=0).max_pending_bytes == 7
