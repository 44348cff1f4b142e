/* First inputs for fuzz_url. */
#include "fuzz/corpus.h"

int main(int argc, char **argv)
{
    corpus_begin(argc, argv);
    static const char *const urls[] = {
        "postgresql://user:password@host:5432/database?sslmode=require&application_name=x",
        "postgres://user@host1:1,host2:2/db?password=secret&sslpassword=x",
        "postgresql:///db?host=/run/postgresql&user=u",
        "postgresql://u:p%40%2F@[::1]:5432/db",
        "host=localhost port=5432 dbname='a b' user=x password='it\\'s' sslpassword = y",
        "dbname=postgresql://u:p@h/d",
        "mysql://user:pass%25word@host:3306/shop?ssl-mode=VERIFY_CA&ssl-ca=%2Fca.pem&ssl-cert=c&ssl-key=k",
        "mariadb://u@[fe80::1]/x?socket=/run/m.sock&defaults-file=/x.cnf&connect_timeout=5&get-server-public-key=1",
        "mysql://u:p@ss/w@rd@host/db?user=a&password=b",
        "mysql://:@:1/",
        "x=mysql://u:p?w@h y=postgresql://a:b@c",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct buf b = {0};
        buf_str(&b, urls[i]);
        corpus_add(&b);
        buf_fini(&b);
    }
    return corpus_end();
}
