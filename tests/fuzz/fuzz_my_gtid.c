/* GTID sets and positions: as text, as the log has them, and what is done with them. */
#include "cdc/mysql/gtid.h"
#include "fuzz/fuzz.h"

enum { TEXT, BINARY, DOMAINS, ALGEBRA };

static void reads_the_same(const struct my_gtid_set *set)
{
    struct my_gtid_set back = {0};
    struct sc_error err;
    struct buf binary = {0}, text = {0}, again = {0};
    my_gtid_set_encode(set, &binary);
    HOLDS(my_gtid_set_decode(&back, binary.data, binary.len, &err) == SC_OK && my_gtid_set_equal(set, &back));
    my_gtid_set_print(set, &text);
    HOLDS(my_gtid_set_parse(&back, buf_cstr(&text), &err) == SC_OK && my_gtid_set_equal(set, &back));
    my_gtid_set_print(&back, &again);
    HOLDS(strcmp(buf_cstr(&text), buf_cstr(&again)) == 0);
    buf_fini(&binary);
    buf_fini(&text);
    buf_fini(&again);
    my_gtid_set_fini(&back);
}

static void text(const char *s)
{
    struct my_gtid_set set = {0};
    struct sc_error err;
    if (my_gtid_set_parse(&set, s, &err) == SC_OK)
        reads_the_same(&set);
    else
        HOLDS(set.nsources == 0);
    my_gtid_set_fini(&set);
}

static void binary(const uint8_t *data, size_t len)
{
    struct my_gtid_set set = {0};
    struct sc_error err;
    if (my_gtid_set_decode(&set, data, len, &err) == SC_OK)
        reads_the_same(&set);
    else
        HOLDS(set.nsources == 0);
    my_gtid_set_fini(&set);
}

static void domains(const char *s)
{
    struct my_domain_position p = {0}, back = {0};
    struct sc_error err;
    struct buf b = {0}, again = {0};
    if (my_domain_position_parse(&p, s, &err) == SC_OK) {
        for (size_t i = 1; i < p.count; i++)
            HOLDS(p.items[i - 1].domain < p.items[i].domain);
        my_domain_position_print(&p, &b);
        HOLDS(my_domain_position_parse(&back, buf_cstr(&b), &err) == SC_OK);
        my_domain_position_print(&back, &again);
        HOLDS(strcmp(buf_cstr(&b), buf_cstr(&again)) == 0);
    } else {
        HOLDS(p.count == 0);
    }
    buf_fini(&b);
    buf_fini(&again);
    my_domain_position_fini(&p);
    my_domain_position_fini(&back);
}

/* --- against numbers whose bits are the transactions 1 to 24 of four sources --- */

enum { SOURCES = 4, SETS = 3, NUMBERS = 24 };

struct model {
    uint64_t bits[SOURCES];
};

static struct my_gtid gtid_of(int source, unsigned number)
{
    struct my_gtid g = {.uuid = {[15] = (uint8_t)(source / 2)}, .number = number};
    if (source % 2)
        memcpy(g.tag, "tag", sizeof("tag"));
    return g;
}

static bool subset(const struct model *a, const struct model *b)
{
    for (int s = 0; s < SOURCES; s++)
        if (a->bits[s] & ~b->bits[s])
            return false;
    return true;
}

static void algebra(const uint8_t *data, size_t len)
{
    struct my_gtid_set sets[SETS] = {0};
    struct model models[SETS] = {0};
    for (size_t i = 0; i + 2 <= len && i < 128; i += 2) {
        int a = data[i] % SETS, b = data[i] / SETS % SETS, source = data[i] / 16 % SOURCES;
        unsigned number = 1 + data[i + 1] % NUMBERS;
        struct my_gtid g = gtid_of(source, number);
        HOLDS(my_gtid_set_contains(&sets[a], &g) == (models[a].bits[source] >> (number - 1) & 1));
        if (data[i + 1] >= 0xc0) {
            my_gtid_set_unite(&sets[a], &sets[b]);
            for (int s = 0; s < SOURCES; s++)
                models[a].bits[s] |= models[b].bits[s];
        } else if (data[i + 1] >= 0xb8) {
            my_gtid_set_copy(&sets[a], &sets[b]);
            models[a] = models[b];
        } else {
            my_gtid_set_add(&sets[a], &g);
            models[a].bits[source] |= UINT64_C(1) << (number - 1);
        }
        HOLDS(my_gtid_set_is_subset(&sets[a], &sets[b]) == subset(&models[a], &models[b]));
        HOLDS(my_gtid_set_equal(&sets[a], &sets[b]) ==
              (subset(&models[a], &models[b]) && subset(&models[b], &models[a])));
    }
    for (int a = 0; a < SETS; a++) {
        for (int s = 0; s < SOURCES; s++)
            for (unsigned n = 1; n <= NUMBERS; n++) {
                struct my_gtid g = gtid_of(s, n);
                HOLDS(my_gtid_set_contains(&sets[a], &g) == (models[a].bits[s] >> (n - 1) & 1));
            }
        reads_the_same(&sets[a]);
        my_gtid_set_fini(&sets[a]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t *exact = fuzz_exact(data + 1, size - 1);
    char *string = fuzz_text(data + 1, size - 1);
    switch (data[0] % 4) {
    case TEXT:
        text(string);
        break;
    case BINARY:
        binary(exact, size - 1);
        break;
    case DOMAINS:
        domains(string);
        break;
    case ALGEBRA:
        algebra(exact, size - 1);
        break;
    }
    free(string);
    free(exact);
    return 0;
}
