"""What works behind the requests: workers that examine, and chores that keep the house."""
