"""What keeps the hub well: order in the house, its clock, and what looks whether all works before it is needed."""
