"""The kill matrix: a run is killed, loses power or meets a fault at every external call."""
