"""The weekly email: subscribers, editions, and their delivery, once to everybody."""
