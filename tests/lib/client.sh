# The program and its tests once more, built against MySQL's own client library, libmysqlclient, which Debian 12 does not have: in a Debian sid
# tree (servers.sh), and run from there with the tree's libraries. Sourced, after servers.sh.
#
#   client_build DIR     makes DIR, which is like a build directory. Returns 2 when there is no such tree, and says why in server_reason

client_build()
{
    servers_sid libmysqlclient ${packages_build/libmariadb-dev/libmysqlclient-dev} protobuf-c-compiler || return 2
    client_tree=$servers_tree
    client_build_dir=$client_tree/client/build
    # Only what has changed is built anew; a file that is not there any more must not stay.
    mkdir -p "$client_tree/client/source" "$client_build_dir"
    (
        flock 6
        rm -rf "$client_tree/client/source" && mkdir "$client_tree/client/source"
        git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -c 2> /dev/null | tar -x -C "$client_tree/client/source" --warning=no-timestamp
        servers_in_tree "$client_tree" root sh -c 'cd /client/build && cmake -G Ninja -D CMAKE_BUILD_TYPE=Debug -D SEACHANGE_WERROR=OFF -D SEACHANGE_MYSQL_CLIENT=mysql ../source && cmake --build .' > "$client_build_dir.log" 2>&1
    ) 6> "$client_build_dir.lock" || { tail -n 40 "$client_build_dir.log"; return 1; }
    client_wrap "$1"
}

# Programs of the tree that see this system's files; unit tests see those they were built from.
client_wrap()
{
    loader=$(ls "$client_tree"/lib64/ld-linux*.so* "$client_tree"/lib/ld-linux*.so* 2> /dev/null | head -n 1)
    libraries=$(dirname "$(ls "$client_tree"/usr/lib/*/libmysqlclient.so | head -n 1)")
    mkdir -p "$1/tests"
    for program in seachange $(cd "$client_build_dir" && ls tests/test_my* tests/it_my_* 2> /dev/null); do
        [ -x "$client_build_dir/$program" ] && [ -f "$client_build_dir/$program" ] || continue
        case $program in
        tests/test_*) printf '#!/bin/sh\nexec chroot "%s" "/client/build/%s" "$@"\n' "$client_tree" "$program" ;;
        *) printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$client_build_dir/$program" ;;
        esac > "$1/$program"
        chmod 755 "$1/$program"
    done
}
