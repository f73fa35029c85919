"""Films: reading, tracking people through them, writing them, and choosing frames worth a label."""
