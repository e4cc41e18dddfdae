"""Substitution: products ordered apart, brand switching, cannibalisation, bundles."""
