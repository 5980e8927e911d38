"""Everything that runs, stores, combines and shows studies; nothing outside it imports it but the front door."""
