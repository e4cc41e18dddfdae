"""Association: itemsets, rules, pairs and triples, and what confounds them."""
