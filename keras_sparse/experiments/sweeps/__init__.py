"""Grids and searches over strengths or L0s, their points, and the folder they leave."""
