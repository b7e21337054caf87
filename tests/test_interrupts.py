import os
import signal
import threading

import pytest

from keras_sparse import interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_time_asks_and_the_second_ends(number: int) -> None:
    before = signal.getsignal(number)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return True

    with interrupts.asked(stop):
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert asked == [1]
    assert signal.getsignal(number) is before


def test_where_nothing_goes_on_it_ends_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.asked(lambda: False):
        os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_handlers_stay() -> None:
    found = []

    def run() -> None:
        with interrupts.asked(lambda: True):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
