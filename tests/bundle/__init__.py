"""Makes and tries what sites without the internet install: the offline bundle, and the stand-alone program."""
