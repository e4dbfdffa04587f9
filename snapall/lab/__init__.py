"""The lab: a simulated site on one machine, for the demo, the drill and the tests."""
