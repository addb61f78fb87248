"""How the captures of pcaps/ were made: a small plant of real protocol stacks in network namespaces, and crafted messages."""
