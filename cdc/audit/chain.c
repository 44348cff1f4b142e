#include "cdc/audit/chain.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void put_u64(uint8_t out[8], uint64_t n)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* One context for all messages of a thread, freed with it: to make one costs more than a short message. */
static pthread_key_t context_key;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void make_key(void)
{
    if (pthread_key_create(&context_key, free_context) != 0)
        abort();
}

static EVP_MD_CTX *thread_context(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    EVP_MD_CTX *context = pthread_getspecific(context_key);
    if (!context && (!(context = EVP_MD_CTX_new()) || pthread_setspecific(context_key, context) != 0))
        abort(); /* only out of memory */
    return context;
}

void audit_chain(struct audit_hash *head, uint64_t sequence, const void *key, size_t key_len, const void *value,
                 size_t value_len)
{
    EVP_MD_CTX *context = thread_context();
    uint8_t number[8];
    bool good = EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, head->bytes, sizeof(head->bytes)) == 1;
    put_u64(number, sequence);
    good = good && EVP_DigestUpdate(context, number, sizeof(number)) == 1;
    put_u64(number, key_len);
    good = good && EVP_DigestUpdate(context, number, sizeof(number)) == 1;
    good = good && EVP_DigestUpdate(context, key, key_len) == 1;
    put_u64(number, value ? value_len : UINT64_MAX);
    good = good && EVP_DigestUpdate(context, number, sizeof(number)) == 1;
    good = good && (!value || EVP_DigestUpdate(context, value, value_len) == 1);
    if (!good || EVP_DigestFinal_ex(context, head->bytes, NULL) != 1)
        abort(); /* only out of memory */
}

void audit_hash_format(const struct audit_hash *hash, char text[AUDIT_HASH_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < AUDIT_HASH_BYTES; i++) {
        text[i * 2] = digits[hash->bytes[i] >> 4];
        text[i * 2 + 1] = digits[hash->bytes[i] & 15];
    }
    text[AUDIT_HASH_TEXT - 1] = 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool audit_hash_parse(const char *text, size_t len, struct audit_hash *hash)
{
    if (len != AUDIT_HASH_TEXT - 1)
        return false;
    for (int i = 0; i < AUDIT_HASH_BYTES; i++) {
        int high = hex_digit(text[i * 2]), low = hex_digit(text[i * 2 + 1]);
        if (high < 0 || low < 0)
            return false;
        hash->bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool audit_hash_same(const struct audit_hash *a, const struct audit_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void audit_heads_format(struct buf *out, const struct audit_hash *heads, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        char text[AUDIT_HASH_TEXT];
        audit_hash_format(&heads[i], text);
        buf_str(out, text);
    }
}

bool audit_heads_parse(const char *text, struct audit_hash *heads, int32_t count)
{
    const size_t one = AUDIT_HASH_TEXT - 1;
    bool good = count >= 0 && strlen(text) == one * (size_t)count;
    for (int32_t i = 0; i < count && good; i++)
        good = audit_hash_parse(text + (size_t)i * one, one, &heads[i]);
    return good;
}
