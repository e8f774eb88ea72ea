"""Do the tests of a module fail when the module is wrong? A fixed sample of mutants."""
