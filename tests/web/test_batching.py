import asyncio

import pytest

from web.batching import Batcher
from web.refusals import Refused


def test_closing_finishes_what_waits_in_order_in_limited_batches_and_takes_nothing_more():
    sizes = []
    batcher: Batcher[int, int] = Batcher(
        lambda items: [10 * item for item in items], batch_size=3, max_waiting=50, on_batch=sizes.append
    )

    async def run():
        waiting = [asyncio.create_task(batcher([i, i + 1])) for i in range(5)]
        await asyncio.sleep(0)
        batcher.close()
        await batcher.run()
        assert await asyncio.gather(*waiting) == [[10 * i, 10 * i + 10] for i in range(5)]
        with pytest.raises(Refused, match="stopping"):
            await batcher([1])

    asyncio.run(run())
    assert sizes == [3, 3, 3, 1]


def test_a_visitor_who_left_is_passed_over():
    seen = []

    def work(items):
        seen.extend(items)
        return items

    batcher = Batcher(work, batch_size=4, max_waiting=9)

    async def run():
        gone = asyncio.create_task(batcher(["gone"]))
        stays = asyncio.create_task(batcher(["stays"]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        working = asyncio.create_task(batcher.run())
        assert await stays == ["stays"]
        batcher.close()
        await working

    asyncio.run(run())
    assert seen == ["stays"]
