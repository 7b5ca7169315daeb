"""An HTML page: from its bytes to facts, and from a finding back to its place in the source."""
