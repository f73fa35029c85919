"""Records to batches: their order, their reading, pictures kept in memory."""
