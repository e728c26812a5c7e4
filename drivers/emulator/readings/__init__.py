"""The questions on which sources disagree, a class for each family and one for all modules; `Behaviour` joins them."""
