"""One simulated Salesforce org per server: REST, Bulk API 2.0 and OAuth over one store."""
