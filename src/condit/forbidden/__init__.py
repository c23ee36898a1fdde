"""What a text must not have: strings that may be disguised, patterns, recitation, a meaning."""
