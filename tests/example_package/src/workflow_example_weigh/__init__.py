"""An example of a task type from another package."""
