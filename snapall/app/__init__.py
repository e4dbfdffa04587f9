"""One module for each command: it opens configuration, site, journals and views, and decides nothing."""
