"""Links to other hosts: asked politely, once, and never inside our own network."""
