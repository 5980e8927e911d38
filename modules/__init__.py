"""The built-in modules, found through the entry-point group `suite.modules` like anybody else's."""
