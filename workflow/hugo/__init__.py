"""What we know of Hugo: where it is, what it is given, what it prints, how it fails."""
