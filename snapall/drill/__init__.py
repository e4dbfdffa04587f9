"""PROVING: runs on the lab that are killed, or struck by a fault, at every external call, and what was left behind."""
