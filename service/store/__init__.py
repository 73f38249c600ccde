"""Everything that talks SQL: the inbox, the queue, the state, the runs. No other package holds a query."""
