"""The e-mail edition of a run: written with every run, sent where a server is named."""
