"""Report 08: whom to contact with what."""
