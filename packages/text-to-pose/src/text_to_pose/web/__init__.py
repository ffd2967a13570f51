"""The page that signs letters and words in a browser, without a server; its sources are in `web/` of the repository."""
