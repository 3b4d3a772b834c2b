"""Who is who: clusters of records that share a guarded key, and the persistent key each cluster has."""
