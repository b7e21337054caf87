"""The page that runs a bundle in a browser: its server and its static site."""
