"""AT channels on threads: the one reader of a port, and dialogues that take turns on it; waiting and waking only."""
