"""Composition: each module opens configuration, site, journals and views for one command, and decides nothing."""
