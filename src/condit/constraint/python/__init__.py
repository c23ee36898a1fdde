"""Python types as constraints: what a JSON schema can express of a type, and checks of the rest."""
