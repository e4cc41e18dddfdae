"""From source files to canonical tables: schema, sources, ingest, engine, quality."""
