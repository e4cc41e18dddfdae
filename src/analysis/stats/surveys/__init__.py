"""What surveys need: net promoter scores, means of those who do not answer, times to an event."""
