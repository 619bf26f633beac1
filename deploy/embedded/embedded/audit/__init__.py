"""The audit: reads every service's database and every topic, and proves that nothing was lost, stuck, doubled or left untold."""
