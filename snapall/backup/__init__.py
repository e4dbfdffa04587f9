"""The core: the model of a backup, its plan, its journal, its decisions, and the engine that performs them."""
