"""References: what an address means, where it leads in this site, and what is wrong with it."""
