"""HTTP: our models behind OpenAI's protocol."""
