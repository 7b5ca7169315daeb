"""`workflow doctor`: is all there that the configuration needs, and how to mend what is not."""
