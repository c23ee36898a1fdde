"""The protocols of OpenAI: chat, completions and responses."""
