"""`routes.yaml` → compiled rules: its language, the text it stands in, and the reading of each part of it."""
