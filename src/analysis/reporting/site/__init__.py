"""The site: pages, index, history, publishing and serving."""
