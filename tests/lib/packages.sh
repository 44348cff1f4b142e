# Debian 12 packages that building and testing need. Sourced.

packages_build="gcc libc6-dev cmake ninja-build pkg-config libpq-dev libmariadb-dev zlib1g-dev libzstd-dev libpg-query-dev libprotobuf-c-dev libcmocka-dev libssl-dev libjansson-dev librdkafka-dev libmicrohttpd-dev"
packages_servers="postgresql-15 postgresql-client-15"
packages_mysql_servers="mariadb-server-core mariadb-client"
packages_tools="openssl git ca-certificates procps util-linux kcat"
packages_model="spin"
packages_checks="clang-tidy clang-format clang"
packages_fuzz="clang libclang-rt-14-dev llvm"
packages_sid="debootstrap"
packages_kafka="kcat openjdk-17-jdk-headless maven"

# Installs what is missing of the packages named.
packages_install()
{
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "these packages are missing and only root can install them:$missing" >&2
        return 1
    fi
    # No server of its own for the package: the tests start theirs.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
    fi
    export DEBIAN_FRONTEND=noninteractive
    echo "installing:$missing"
    # One after the other: several test servers may be made side by side.
    (
        unset SSL_CERT_FILE # a mirror may be reached by TLS
        flock 7
        apt-get update -q >/dev/null &&
            apt-get install -y -q --no-install-recommends $missing > "${TMPDIR:-/tmp}/seachange-packages.log" 2>&1
    ) 7> "${TMPDIR:-/tmp}/seachange-packages.lock" || {
        tail -n 20 "${TMPDIR:-/tmp}/seachange-packages.log" >&2
        return 1
    }
}
