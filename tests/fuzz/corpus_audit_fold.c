/* First inputs for fuzz_audit_fold. */
#include "fuzz/corpus.h"

static void add_message(struct buf *b, unsigned partition, const char *key, const char *value)
{
    size_t key_len = key ? strlen(key) : 0, value_len = value ? strlen(value) : 0;
    buf_u8(b, (uint8_t)(partition | (key ? 4 : 0) | (value ? 8 : 0)));
    buf_u16(b, (uint16_t)key_len);
    buf_u16(b, (uint16_t)value_len);
    buf_bytes(b, key ? key : "", key_len);
    buf_bytes(b, value ? value : "", value_len);
}

int main(int argc, char **argv)
{
    static const char *const keys[] = {"{\"id\":1}", "{\"schema\":{\"type\":\"struct\"},\"payload\":{\"id\":1}}", NULL};
    static const char *const values[] = {
        "{\"before\":null,\"after\":{\"id\":1,\"v\":\"a\"},\"source\":{\"lsn\":5},\"op\":\"c\",\"ts_ms\":1}",
        "{\"before\":{\"id\":1},\"after\":{\"id\":1,\"v\":[1,{\"x\":null}]},\"op\":\"u\"}",
        "{\"before\":{\"id\":1},\"after\":null,\"op\":\"d\"}",
        "{\"after\":{\"v\":\"__debezium_unavailable_value\"},\"op\":\"r\"}",
        "{\"before\":null,\"after\":null,\"op\":\"t\"}",
        "{\"schema\":{\"fields\":[{\"type\":\"int32\",\"optional\":false}]},\"payload\":{\"after\":{\"id\":1},\"op\":"
        "\"c\"}}",
        "{\"schema\":{},\"payload\":{\"after\":null,\"op\":\"d\"}}",
        "{\"op\":\"c\",\"after\":{\"a\\\"b\":\"\\u00e4\\\\\",\"c\":-1.5e+10}}",
        "{}",
        NULL,
    };
    enum { KEYS = sizeof(keys) / sizeof(keys[0]), VALUES = sizeof(values) / sizeof(values[0]) };
    corpus_begin(argc, argv);
    struct buf all = {0};
    for (unsigned k = 0; k < KEYS; k++)
        for (unsigned v = 0; v < VALUES; v++) {
            struct buf one = {0};
            add_message(&one, (k + v) % 4, keys[k], values[v]);
            add_message(&all, v % 3, keys[k], values[v]);
            corpus_add(&one);
            buf_fini(&one);
        }
    corpus_add(&all);
    buf_fini(&all);
    return corpus_end();
}
