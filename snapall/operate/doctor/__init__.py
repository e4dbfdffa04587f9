"""The checks of `doctor`, one module for each part of the site."""
