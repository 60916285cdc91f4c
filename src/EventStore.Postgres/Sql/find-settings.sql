SELECT current_setting('server_version'), current_setting('server_encoding'), current_setting('fsync'),
    current_setting('full_page_writes'), current_setting('synchronous_commit'), pg_is_in_recovery(),
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1),
    pg_backend_pid()
