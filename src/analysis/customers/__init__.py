"""Who the customers are, which carry the business, which are fading."""
