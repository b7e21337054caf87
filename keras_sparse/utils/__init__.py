"""Optional packages, text, atomic files, types."""
