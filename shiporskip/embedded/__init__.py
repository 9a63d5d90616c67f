"""A Django database backend that brings its own PostgreSQL, for machines without one.

A process that opens a connection (`base`, `server`) starts a keeper when none lives; the keeper
(`keeper`, `postgres`) runs PostgreSQL and stops it when the last user is gone. They agree through
kernel locks on files of the server's home folder (`home`), which even `kill -9` releases.
"""
