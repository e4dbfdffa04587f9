"""The core: what a run knows, decides and remembers. It knows neither site, configuration nor views."""
