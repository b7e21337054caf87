"""Watch the layers whose outputs jump, and choose rows and thresholds for them."""
