"""What promotions earned: by lot where arms were drawn, with due doubt where they were not."""
