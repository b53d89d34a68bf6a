"""One folder a tool. Each exports INTEGRATION and knows `hub.contracts`, never the machinery."""
