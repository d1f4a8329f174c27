"""A Functions app for the tests of the local host; a package so that its entry module has a name of its own."""
