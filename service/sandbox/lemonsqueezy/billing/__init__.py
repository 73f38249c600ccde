"""What a store does by itself: purchases, periods, invoices, dunning, refunds and the ends of subscriptions."""
