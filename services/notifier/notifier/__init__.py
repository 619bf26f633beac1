"""The notifier: the result is reported back to the person who asked. Always."""
