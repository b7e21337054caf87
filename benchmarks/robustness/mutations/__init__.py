"""Break the code in places chosen at random, and see whether the tests notice."""
