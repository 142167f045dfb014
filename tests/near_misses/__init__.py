"""A file a lesson: wrong answers with the words each check must say, and right ones."""
