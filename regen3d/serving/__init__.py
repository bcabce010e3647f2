"""Web pages for one person on one machine: a small server on loopback, with a secret in its address."""
