"""What a text must have in it, how much of it, and where: words, sentences, lines, letters."""
