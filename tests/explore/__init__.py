"""Exploration: the real state and decisions beside a small model of the world, every outcome of every action tried."""
