#include "cdc/audit/values.h"

#include <iconv.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "cdc/audit/json.h"

bool audit_verbatim(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    size_t sign = len > 0 && text[0] == '-';
    if (len == sign || len > 40 || (text[sign] == '0' && len > sign + 1))
        return false;
    for (size_t i = sign; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    buf_bytes(out, text, len);
    return true;
}

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

bool audit_boolean(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    bool yes = is(text, len, "t") || is(text, len, "1") || is(text, len, "true");
    if (!yes && !is(text, len, "f") && !is(text, len, "0") && !is(text, len, "false"))
        return false;
    buf_str(out, yes ? "true" : "false");
    return true;
}

/* -1.5e-10: digits, a point within them, an exponent, as JSON wants them. */
static bool is_json_number(const char *p, const char *end)
{
    p += p < end && *p == '-';
    const char *digits = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    if (p == digits || (*digits == '0' && p - digits > 1))
        return false;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        if (p == fraction)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        const char *exponent = p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        if (p == exponent)
            return false;
    }
    return p == end;
}

bool audit_float(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    if (is(text, len, "NaN") || is(text, len, "Infinity") || is(text, len, "-Infinity"))
        audit_json_text(out, text, len);
    else if (is_json_number(text, text + len))
        buf_bytes(out, text, len);
    else
        return false;
    return true;
}

bool audit_string(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    audit_json_text(out, text, len);
    return true;
}

void audit_base64(struct buf *out, const void *data, size_t len)
{
    enum { PIECE = 48 << 10 }; /* a multiple of 3: no padding within */
    buf_char(out, '"');
    for (const unsigned char *p = data; len > 0;) {
        int piece = len > PIECE ? PIECE : (int)len;
        buf_reserve(out, (size_t)piece / 3 * 4 + 5);
        out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->len, p, piece);
        p += piece;
        len -= (size_t)piece;
    }
    buf_char(out, '"');
}

bool audit_bytes(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    audit_base64(out, text, len);
    return true;
}

/* The least bytes of two's complement, as Java's BigInteger.toByteArray() has them. */
static void add_twos_complement(struct buf *out, BIGNUM *n)
{
    bool negative = BN_is_negative(n);
    if (negative) { /* -m is ~(m - 1) */
        BN_set_negative(n, 0);
        BN_sub_word(n, 1);
    }
    size_t len = (size_t)BN_num_bits(n) / 8 + 1; /* room for the sign */
    unsigned char *bytes = mem_alloc(len);
    BN_bn2binpad(n, bytes, (int)len);
    for (size_t i = 0; negative && i < len; i++)
        bytes[i] = (unsigned char)~bytes[i];
    audit_base64(out, bytes, len);
    mem_free(bytes);
}

/* [-]digits[.digits] as a number without its point, with `scale` digits behind where it stood; INT_MIN: as many as
 * there are, told in *scale. */
static BIGNUM *unscaled(const char *text, size_t len, int *scale)
{
    struct buf digits = {0};
    size_t behind = 0, counted = 0;
    bool point = false, good = true;
    for (size_t i = 0; i < len && good; i++) {
        if (text[i] == '-' && i == 0) {
            buf_char(&digits, '-');
        } else if (text[i] == '.' && !point) {
            point = true;
        } else if (text[i] >= '0' && text[i] <= '9') {
            buf_char(&digits, text[i]);
            behind += point;
            counted++;
        } else {
            good = false;
        }
    }
    if (*scale == INT_MIN)
        *scale = (int)behind;
    good = good && counted > 0 && len < INT_MAX && (*scale < 0 || behind <= (size_t)*scale);
    for (int i = (int)behind; good && i < *scale; i++)
        buf_char(&digits, '0');
    /* A negative scale (PostgreSQL 15): the digits in front of it are zeros. */
    for (int i = *scale; good && i < 0; i++) {
        good = digits.len > 0 && digits.data[digits.len - 1] == '0' && behind == 0;
        if (good && digits.len > 1 && digits.data[digits.len - 2] != '-')
            digits.data[--digits.len] = 0;
        else
            break; /* a zero is a zero */
    }
    BIGNUM *n = NULL;
    if (good && BN_dec2bn(&n, buf_cstr(&digits)) != (int)digits.len) {
        BN_free(n);
        n = NULL;
    }
    buf_fini(&digits);
    return n;
}

bool audit_decimal(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    int scale = type->scale;
    BIGNUM *n = unscaled(text, len, &scale);
    if (!n)
        return false;
    add_twos_complement(out, n);
    BN_free(n);
    return true;
}

bool audit_any_decimal(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    int scale = INT_MIN;
    BIGNUM *n = unscaled(text, len, &scale);
    if (!n)
        return false;
    buf_printf(out, "{\"scale\":%d,\"value\":", scale);
    add_twos_complement(out, n);
    buf_char(out, '}');
    BN_free(n);
    return true;
}

void audit_type_close(struct audit_type *type)
{
    for (struct audit_type *t = type; t; t = (struct audit_type *)(uintptr_t)t->inner) {
        if (t->converter)
            iconv_close(t->converter);
        t->converter = NULL;
    }
}
