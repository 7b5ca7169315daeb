"""What search engines and visitors need, on each page and across the site."""
