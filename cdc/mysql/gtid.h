/* Global transaction identifiers: MySQL's sets of uuid[:tag]:number, and MariaDB's position in each domain. */
#ifndef SC_CDC_MYSQL_GTID_H
#define SC_CDC_MYSQL_GTID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* --- MySQL --- */

#define MY_TAG_SIZE 33 /* at most 32 characters (manual, "GTID Format"), and a NUL */

struct my_gtid {
    uint8_t uuid[16];
    char tag[MY_TAG_SIZE]; /* lower case; "" none */
    uint64_t number;       /* 1 .. 2^63 - 2 */
};

struct my_gtid_interval {
    uint64_t first, end; /* end is one behind the last */
};

struct my_gtid_source {
    uint8_t uuid[16];
    char tag[MY_TAG_SIZE];
    struct my_gtid_interval *intervals; /* sorted, with gaps between them */
    size_t nintervals, cap;
};

/* Zero-initialised is empty. Sorted by uuid, then tag. */
struct my_gtid_set {
    struct my_gtid_source *sources;
    size_t nsources, cap;
};

/* Is it a tag as the server writes them: letters in lower case, digits and _, the first no digit? */
bool my_gtid_is_tag(const char *text, size_t len);

void my_gtid_set_fini(struct my_gtid_set *set); /* empty afterwards */
void my_gtid_set_copy(struct my_gtid_set *to, const struct my_gtid_set *from);
void my_gtid_set_add(struct my_gtid_set *set, const struct my_gtid *gtid); /* which may be in it already */
void my_gtid_set_unite(struct my_gtid_set *set, const struct my_gtid_set *other);
bool my_gtid_set_contains(const struct my_gtid_set *set, const struct my_gtid *gtid);
bool my_gtid_set_is_subset(const struct my_gtid_set *part, const struct my_gtid_set *whole);
bool my_gtid_set_equal(const struct my_gtid_set *a, const struct my_gtid_set *b);

/* Text as the server has it (@@gtid_executed): "uuid:1-5:7,uuid:tag:3". Blanks and line ends anywhere between. SC_FAIL:
 * not such a text; *set is then empty. Whatever *set held before is freed: zero it before its first use. */
enum sc_result my_gtid_set_parse(struct my_gtid_set *set, const char *text, struct sc_error *err);
void my_gtid_set_print(const struct my_gtid_set *set, struct buf *out); /* canonical, without blanks; "" empty */
void my_gtid_print(const struct my_gtid *gtid, struct buf *out);

/* The binary form that the dump command (COM_BINLOG_DUMP_GTID) takes and PREVIOUS_GTIDS holds. The form without tags is
 * written unless a tag is in the set (servers before 8.3 know only that). */
void my_gtid_set_encode(const struct my_gtid_set *set, struct buf *out);
enum sc_result my_gtid_set_decode(struct my_gtid_set *set, const void *data, size_t len, struct sc_error *err);

/* --- MariaDB --- */

struct my_domain_gtid {
    uint32_t domain, server_id;
    uint64_t number;
};

/* The last transaction of each domain; sorted by domain. Zero-initialised is empty. */
struct my_domain_position {
    struct my_domain_gtid *items;
    size_t count, cap;
};

void my_domain_position_fini(struct my_domain_position *p);
void my_domain_position_copy(struct my_domain_position *to, const struct my_domain_position *from);
/* The domain's last one is now this one, whatever it was before. */
void my_domain_position_set(struct my_domain_position *p, const struct my_domain_gtid *gtid);
/* NULL: nothing of that domain. */
const struct my_domain_gtid *my_domain_position_find(const struct my_domain_position *p, uint32_t domain);
/* Text as in @@gtid_binlog_pos and @slave_connect_state: "0-1-100,2-1-7". As my_gtid_set_parse(). */
enum sc_result my_domain_position_parse(struct my_domain_position *p, const char *text, struct sc_error *err);
void my_domain_position_print(const struct my_domain_position *p, struct buf *out);

#endif
