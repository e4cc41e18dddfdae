"""Contact lists in the import formats of CRMs, consent respected."""
