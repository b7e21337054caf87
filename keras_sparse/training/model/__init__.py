"""What a model that is trained on its own rows has: compiled steps, a learning rate, a loss."""
