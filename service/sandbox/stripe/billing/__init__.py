"""What Stripe does by itself: periods, invoices, collection, dunning and the ends of subscriptions."""
