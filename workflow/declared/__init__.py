"""Commands that workflow.yaml declares: checked values in, arguments, a program, outputs out."""
