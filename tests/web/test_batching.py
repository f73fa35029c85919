import asyncio

from web.batching import Batcher


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
