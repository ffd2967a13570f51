"""The page of `text-to-pose web` from a local server, with the models behind it, as a JSON API."""
