"""Following: webhooks are told what happens to a report, and feeds tell whoever reads them."""
