"""The slow tests: running stacks, built functions in the emulator, load, browsers and large documents."""
