# Settings of the whole server, changed for a test and set back by its restore.

server_sql() { "$SERVER_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 -d "$SERVER_URL" "${@/#/-c}"; }
server_setting_is() { [ "$(server_sql "SHOW $1")" = "$2" ]; }

server_set()
{
    server_sql "ALTER SYSTEM SET $1 = '$2'" 'SELECT pg_reload_conf()' > /dev/null || fail "ALTER SYSTEM SET $1"
    until_ok 30 server_setting_is "$1" "$2" || fail "$1 did not become $2"
}

server_set_back() { server_sql "ALTER SYSTEM RESET $1" 'SELECT pg_reload_conf()' > /dev/null; }
