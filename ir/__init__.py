"""Program, its parts, and errors. Knows no other room."""
