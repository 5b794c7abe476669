"""What a request may fix about a clip's structure and motion, one item a module, with its rules and their checks."""
