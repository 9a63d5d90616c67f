"""Facts: vendors, categories, tools, plans and their prices."""
