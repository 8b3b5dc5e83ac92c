"""One module per resource, loaded when its property of `ReturnHelper` is first used."""
