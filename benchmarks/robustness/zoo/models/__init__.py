"""The models of the zoo, by group; importing a module registers its models."""
