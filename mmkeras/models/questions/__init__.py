"""What the tasks that answer questions share."""
