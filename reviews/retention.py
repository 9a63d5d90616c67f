"""How long what voters leave behind is kept: `/privacy/` says it, `purge_votes` does it."""

from datetime import timedelta

#: The voter's cookie, from the first vote on. Without it nobody can change that vote any more.
VOTER_COOKIE = timedelta(days=365)
#: The hash of the address that a vote came from: a night for the rules, and days for an editor.
#: Its key is thrown away sooner, when its day (UTC) is over: then nobody can tell any more which
#: address a hash stands for, or whether two days' hashes stand for the same.
ADDRESS_HASH = timedelta(days=7)
