#include "base/mysql/conn_library.h"

#include <pthread.h>
#include <stdlib.h>

static void begin(void)
{
    if (mysql_library_init(0, NULL, NULL) != 0)
        abort();
}

/* mysql_init() would do it too, but not safely from two threads at once. */
void my_library_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin);
}

static void set_files(MYSQL *my, const struct my_url *url)
{
    if (url->tls_ca)
        mysql_options(my, MYSQL_OPT_SSL_CA, url->tls_ca);
    if (url->tls_cert)
        mysql_options(my, MYSQL_OPT_SSL_CERT, url->tls_cert);
    if (url->tls_key)
        mysql_options(my, MYSQL_OPT_SSL_KEY, url->tls_key);
}

#ifdef MARIADB_PACKAGE_VERSION

/* Connector/C knows "use TLS" and "verify" (chain and name together, so VERIFY_CA is as strict as VERIFY_IDENTITY). It
 * goes on without TLS when the server offers none: my_library_check_tls() is what makes REQUIRED true. */
void my_library_tls(MYSQL *my, const struct my_url *url, bool local)
{
    my_bool use = url->tls >= MY_TLS_REQUIRED || (url->tls == MY_TLS_PREFERRED && !local);
    my_bool verify = url->tls >= MY_TLS_VERIFY_CA;
    /* Verifying switches TLS on, also when it is told not to. */
    mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &use);
    if (use)
        set_files(my, url);
}

void my_library_options(MYSQL *my, const struct my_url *url)
{
    (void)url; /* asks for the server's public key by itself */
    size_t packet = (size_t)1 << 30;
    mysql_optionsv(my, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
}

int my_library_socket(MYSQL *my)
{
    return (int)mysql_get_socket(my);
}

#else

void my_library_tls(MYSQL *my, const struct my_url *url, bool local)
{
    static const unsigned modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA,
                                     SSL_MODE_VERIFY_IDENTITY};
    unsigned mode = url->tls == MY_TLS_PREFERRED && local ? SSL_MODE_DISABLED : modes[url->tls];
    set_files(my, url);
    mysql_options(my, MYSQL_OPT_SSL_MODE, &mode);
}

void my_library_options(MYSQL *my, const struct my_url *url)
{
    unsigned long packet = 1UL << 30;
    mysql_options(my, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    if (url->get_server_public_key) {
        bool get = true;
        mysql_options(my, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &get);
    }
}

int my_library_socket(MYSQL *my)
{
    return (int)my->net.fd;
}

#endif

enum sc_result my_library_check_tls(MYSQL *my, const struct my_url *url, struct sc_error *err)
{
    if (url->tls < MY_TLS_REQUIRED || mysql_get_ssl_cipher(my))
        return SC_OK;
    error_set(err, SC_REFUSE, "the connection is not encrypted, and the URL's ssl-mode demands it");
    return error_hint(err, "The server offers no TLS (or something in between took it away).");
}
