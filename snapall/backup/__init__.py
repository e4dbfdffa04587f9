"""What is done: the model of a backup, its plan, its memory, and the engine that performs it."""
